"""The working copy: whether it is what the host wrote, what the image adds to it, and what is removed from it between two children.

A module of the launcher (Python 3.8 or newer, standard library only); the host never imports it.
"""

import os

HASHABLE = 4 * 1024 * 1024


def blob(path, algorithm):
    """The id git gives to a file or symlink."""
    import hashlib

    if os.path.islink(path):
        content = os.fsencode(os.readlink(path))
    else:
        with open(path, "rb") as file:
            content = file.read()
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content).hexdigest()


def differs(path, kind, wanted):
    """Whether a path of the working copy is not what the host wrote there; large files are compared by kind only."""
    try:
        stats = os.lstat(path)
    except OSError:
        return kind != "absent"
    form = stats.st_mode & 0o170000
    if kind in ("absent", "directory"):
        return kind == "absent" or form != 0o040000
    if form != (0o120000 if kind == "link" else 0o100000):
        return True
    if kind != "link" and bool(stats.st_mode & 0o100) is not (kind == "executable"):
        return True
    return stats.st_size <= HASHABLE and blob(path, "sha1" if len(wanted) == 40 else "sha256") != wanted


def copy_generated(source, target):
    """What the image's build generated beside the sources (a version file, compiled extensions), where the tree has nothing."""
    try:
        entries = list(os.scandir(source))
    except OSError:
        return
    for entry in entries:
        place = os.path.join(target, entry.name)
        if entry.is_dir(follow_symlinks=False):
            if not os.path.lexists(place):
                os.mkdir(place)
                os.chmod(place, 0o1777)
            copy_generated(entry.path, place)
        elif entry.is_file(follow_symlinks=False) and not os.path.lexists(place):
            with open(entry.path, "rb") as file, open(place, "wb") as copy:
                copy.write(file.read())
            os.chmod(place, entry.stat().st_mode & 0o777)


class Folders:
    """The folders of the working copy, and when each was changed last: what a child leaves shows there, and only there.

    A child owns none of them, so it can neither set their times nor put another folder in the place of one. `beside`: folders
    outside of the working copy that children write to.
    """

    def __init__(self, top, beside):
        self.beside = {folder: os.stat(folder).st_mode & 0o7777 for folder in beside}
        self._times = {}
        pending = [top]
        while pending:
            folder = pending.pop()
            self._times[folder] = os.stat(folder).st_ctime_ns
            with os.scandir(folder) as entries:
                pending += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]

    def changed(self):
        """Those in which something was made or removed since they were settled."""
        return [folder for folder, time in self._times.items() if os.stat(folder).st_ctime_ns != time]

    def settle(self, folders):
        """What they hold now is as it should be."""
        for folder in folders:
            self._times[folder] = os.stat(folder).st_ctime_ns


def purge(folders, modes):
    """Remove everything in these folders that belongs to whoever runs this; nobody else who may do so is alive. Theirs get their `modes` back."""
    import shutil

    me = os.getuid()
    for folder, mode in modes.items():
        if os.stat(folder).st_uid == me:
            os.chmod(folder, mode)
    for folder in folders:
        with os.scandir(folder) as entries:
            mine = [entry for entry in entries if entry.stat(follow_symlinks=False).st_uid == me]
        for entry in mine:
            if entry.is_dir(follow_symlinks=False):
                open_up(entry.path)
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def open_up(top):
    """Make every folder below one that its owner may empty."""
    os.chmod(top, 0o700)
    for above, folders, _ in os.walk(top):
        for name in folders:
            path = os.path.join(above, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
