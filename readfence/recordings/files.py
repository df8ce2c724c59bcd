"""Files of recordings: reading them, with the scripts that lie beside them."""

from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path

from models.workload.recording import Recording, read_recording
from readfence.packages import lua_files_of
from sim.errors import InputError


def load_recording(path: Path, packages: Sequence[str] = ()) -> Recording:
    """Read a recording. A `{"script": sha1}` in it is looked for in `scripts/`, beside the file or
    beside its folder, and among the Lua files of installed `packages`.

    Raises `InputError`.
    """
    folders = (path.parent / "scripts", path.parent.parent / "scripts")
    texts = [text for package in packages for text in lua_files_of(package)]
    bodies = {sha1(text).hexdigest(): text for text in texts}

    def script(sha: str) -> bytes | None:
        if sha in bodies:
            return bodies[sha]
        for folder in folders:
            file = folder / f"{sha}.lua"
            if sha.isalnum() and file.is_file():
                return file.read_bytes()
        return None

    try:
        with path.open("rb") as lines:
            return read_recording(lines, str(path), script)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
