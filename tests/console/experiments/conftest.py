from tests.orchestration.experiments.conftest import gemini, openai, people

__all__ = ["gemini", "openai", "people"]
