"""`python -m aditus.dotenv`: write a .env with fresh secrets, unless there is one already."""

import os
import secrets
import sys
from pathlib import Path

from cryptography.fernet import Fernet


def write_dotenv(path: Path) -> bool:
    """Create `path`, readable by the owner only, with the secrets of .env.example; False if it exists."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(f"SECRET_KEY={secrets.token_urlsafe(50)}\n")
        file.write(f"FERNET_KEYS={Fernet.generate_key().decode()}\n")
        file.write(f"POSTGRES_PASSWORD={secrets.token_urlsafe(24)}\n")
        file.write(f"REDIS_PASSWORD={secrets.token_urlsafe(24)}\n")
        file.write(f"GRAFANA_PASSWORD={secrets.token_urlsafe(24)}\n")
    return True


if __name__ == "__main__":
    target = Path(__file__).resolve().parent.parent / ".env"
    created = write_dotenv(target)
    sys.stdout.write(f"{'wrote' if created else 'kept'} {target.name}\n")
