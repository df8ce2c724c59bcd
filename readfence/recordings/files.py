"""Files of recordings: reading them, with the scripts that lie beside them."""

from pathlib import Path

from models.workload.recording import Recording, read_recording
from sim.errors import InputError


def load_recording(path: Path) -> Recording:
    """Read a recording. A `{"script": sha1}` in it is looked for in `scripts/`, beside the file or
    beside its folder.

    Raises `InputError`.
    """
    folders = (path.parent / "scripts", path.parent.parent / "scripts")

    def script(sha: str) -> bytes | None:
        for folder in folders:
            file = folder / f"{sha}.lua"
            if sha.isalnum() and file.is_file():
                return file.read_bytes()
        return None

    try:
        with path.open(encoding="utf-8") as lines:
            return read_recording(lines, str(path), script)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: cannot be read: {why}") from error
