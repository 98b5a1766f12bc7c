"""Whose a file is: by the drop folder it lies in, by what was said, or by an archive's names.

Refuses to guess a camera, and to take in the vault's own files: its keys would be sealed under
themselves and then removed.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from sqlmodel import select

from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.footage.register import known_cameras
from cctv_vault.ingest.arriving import Place
from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.sidecars import belongs, may_belong
from cctv_vault.ingest.sources import SourceBusyError, is_unfinished_name, walk
from cctv_vault.schema import Camera


class Places:
    """Tells whose the files of this vault are."""

    def __init__(self, *, database: Database, own_folders: Iterable[Path]) -> None:
        """``own_folders`` are the home and the key folder, from which nothing is taken."""
        self._database = database
        self._own = tuple(Path(os.path.realpath(each)) for each in own_folders)

    def archive(self, path: Path) -> Path | None:
        """A tree by its real name, where no camera's files arrive in it."""
        real = Path(os.path.realpath(path))
        with self._database.read() as session:
            folders = session.exec(select(Camera.drop_folder)).all()
        arrives = any(real.is_relative_to(each) for each in folders)
        return None if arrives or not real.is_dir() else real

    def refuse_own(self, path: Path) -> None:
        """Raise where a file is one of the vault's own.

        Raises:
            InvalidInputError: It is.
        """
        if any(_lies_in(path, each) for each in self._own):
            raise InvalidInputError(
                "it is one of the vault's own files and is left alone; take in what lies "
                "outside its home and its key folder"
            )

    def known(self) -> tuple[Sequence[Camera], str]:
        """The cameras there are, and their codes in words."""
        with self._database.read() as session:
            return session.exec(select(Camera)).all(), known_cameras(session)

    def identify(
        self, path: Path, place: Place, among: tuple[Sequence[Camera], str] | None = None
    ) -> tuple[str, str, str]:
        """The camera, the path its name is read from, and the name the recording keeps.

        ``among`` is what `known` said a moment ago, for many files at once.

        Raises:
            NotFoundError: It is no camera's, or nobody can tell whose.
            InvalidInputError: It does not lie where it was said to.
        """
        cameras, known = among or self.known()
        code, hint = place.camera, known
        if not os.path.lexists(path):
            raise NotFoundError("file", "of this name")
        if code is None:
            found = [each for each in cameras if _lies_in(path, each.drop_folder)]
            hint = f"it lies in no camera's drop folder; say which with --camera ({known})"
            if not found and place.archive is not None:
                found, hint = _named(str(path), place.labels, cameras, known)
        else:
            found = [each for each in cameras if each.code == code]
        if len(found) != 1:
            raise NotFoundError("camera", code or "for this file", hint)
        camera = found[0]
        if place.original_root is not None:
            root = os.path.realpath(place.original_root)
            if not path.is_relative_to(root):
                raise InvalidInputError("the file does not lie below the original root")
            relative = str(path.relative_to(root))
            return camera.code, relative, relative
        if _lies_in(path, camera.drop_folder):
            return camera.code, str(path)[len(camera.drop_folder) + 1 :], path.name
        if place.archive is not None:
            # Read whole, in case the tree is a part of one; kept as it lies in the tree.
            return camera.code, str(path), str(path.relative_to(place.archive))
        return camera.code, str(path), path.name


def _lies_in(path: Path, folder: Path | str) -> bool:
    """Whether a path is a folder's or leads into it; both are absolute and spelled alike."""
    # Asked of each file several times over; the library's own takes ten times as long.
    return str(path).startswith(f"{folder}/") or str(path) == str(folder)


def files_of(path: Path) -> Iterator[Path]:
    """The files of a tree, or the one file, without what only tells of others."""
    for file in walk(path):
        # What is gone went with the footage that came before it.
        if file == path or not (belongs(file) or (may_belong(file) and not file.exists())):
            yield file


def require_finished(path: Path) -> None:
    """Raise where a file's name says that it is not to be taken in by itself, or not yet.

    Raises:
        SourceBusyError: It does.
    """
    if is_unfinished_name(path.name):
        raise SourceBusyError("its name says that it is not finished")
    if belongs(path):
        raise SourceBusyError("it tells of the footage beside it, and is taken in with that")


def _named(
    path: str, labels: Mapping[str, str], cameras: Sequence[Camera], known: str
) -> tuple[list[Camera], str]:
    """The cameras that the name of an archive's file may mean, and what to say otherwise."""
    reading = read_name(path)
    label = reading and reading.camera_label
    if reading is None or not label:
        return [], f"its name does not say which; say so with --camera ({known})"
    said = labels.get(f"{label}/{reading.channel}") or labels.get(label)
    if said is None:
        found = [each for each in cameras if label.casefold() == each.code]
        found = found or [each for each in cameras if label.casefold() == each.name.casefold()]
    else:
        found = [each for each in cameras if each.code == said]
    with_channel = f"{label}/{reading.channel}" if reading.channel else label
    hint = f"its name says {with_channel!r} ({reading.convention}); say which that is with --map"
    return found, f"{hint} ({known})"


def real_path(path: Path) -> Path:
    """A path by the real name of its folder, so that it is the drop folder it seems to be.

    The file keeps its own name, so that a link is seen as one.
    """
    return Path(os.path.realpath(path.parent), path.name)
