"""Ready-made tasks: copying files, filling in templates, looking into a workflow while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from redun.errors import UsageError
from redun.file import Dir, File
from redun.task import task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["copy_dir", "copy_file", "copy_files", "debug_task", "render_template"]

T = TypeVar("T")


@task(namespace="redun", version="1", cache=False, executor="inline")
def debug_task(value: T) -> T:
    """Stop in the debugger, with `value` at hand, and give the value when the user lets the workflow go on."""
    breakpoint()
    return value


@task(namespace="redun", version="1", config_args=["skip_if_exists"])
def copy_file(src_file: File, dest_path: str, skip_if_exists: bool = False) -> File:
    """Copy a file to a path or URL; below a directory, under its own name, if that ends with a slash.

    It is copied again when it has changed, or when the copy is missing or has changed.

    skip_if_exists: leave a file that is there as it is.
    """
    return src_file.copy_to(File(_with_name(dest_path, src_file.basename())), skip_if_exists)


@task(namespace="redun", version="1", config_args=["skip_if_exists", "copy_options"])
def copy_files(
    src_files: Sequence[File],
    dest_paths: Sequence[str],
    skip_if_exists: bool = False,
    copy_options: Mapping[str, Any] = {},
) -> list[File]:
    """Copy files in parallel, each as `copy_file` does.

    copy_options: task options of each copy, such as `executor`.

    Raises ValueError if there are not as many paths as files.
    """
    if len(src_files) != len(dest_paths):
        raise ValueError(f"{len(src_files)} files cannot be copied to {len(dest_paths)} paths")
    copy = copy_file.options(**copy_options)
    return [copy(file, path, skip_if_exists) for file, path in zip(src_files, dest_paths, strict=True)]


@task(namespace="redun", version="1", config_args=["skip_if_exists", "copy_options"])
def copy_dir(
    src_dir: Dir,
    dest_path: str,
    skip_if_exists: bool = False,
    copy_options: Mapping[str, Any] = {},
) -> Dir:
    """Copy what is below a directory, its files in parallel, to below another one.

    dest_path: with a slash at the end, the directory gets its own name there.
    skip_if_exists, copy_options: as for `copy_files`.
    """
    target = Dir(_with_name(dest_path, File(src_dir.path).basename()))
    files = src_dir.files()
    paths = [target.file(src_dir.rel_path(file.path)).path for file in files]
    return _directory_of(target.path, copy_files(files, paths, skip_if_exists, copy_options))


@task(namespace="redun", version="1")
def _directory_of(path: str, files: list[File]) -> Dir:  # noqa: ARG001 - they come first
    """The directory as it is once these files are in it."""
    return Dir(path)


@task(namespace="redun", version="1")
def render_template(out_path: str, template: File, context: dict[str, Any], template_dir: str | None = None) -> File:
    """Write what a jinja2 template makes of a context to a file.

    template_dir: the folder of templates that this one extends or includes. Changes of those go unnoticed.

    Raises UsageError where jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise UsageError("render_template needs jinja2. Try: pip install jinja2") from error
    loader = None if template_dir is None else jinja2.FileSystemLoader(template_dir)
    environment = jinja2.Environment(loader=loader)  # noqa: S701 - it makes text, not web pages
    output = File(out_path)
    output.write(environment.from_string(template.read(encoding="utf-8")).render(context), encoding="utf-8")
    return output


def _with_name(path: str, name: str) -> str:
    return f"{path}{name}" if path.endswith("/") else path
