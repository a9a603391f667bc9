from tests.drafting.conftest import model_says, resume

__all__ = ["model_says", "resume"]
