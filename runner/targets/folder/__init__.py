"""Live folders as targets: a folder whose content is replaced in one atomic step while a service works in it."""

from runner.targets.folder.target import GRACE, FolderTarget

__all__ = ["GRACE", "FolderTarget"]
