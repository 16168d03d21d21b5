"""Classes: a shown name and the texts that stand for it. Enter at `as_classes`."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from sightline.errors import TextError
from sightline.scoring.templates import TEMPLATES


class Class(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One class: the name that is shown, and what is embedded for it.

    Without prompts, the name and every alias go through the templates, and each counts equally.
    With prompts, only the prompts are embedded, as they are: neither the name nor a template.
    """

    name: str
    aliases: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in (self.name, *self.aliases, *self.prompts):
            if not text.strip():
                raise TextError(f"class {self.name!r} has an empty name, alias or prompt: fill it")
        if self.aliases and self.prompts:
            raise TextError(
                f"class {self.name!r} has both aliases and prompts, and prompts replace every "
                "name: keep one of them"
            )


Labels: TypeAlias = Sequence[str] | Sequence[Class] | Mapping[str, Sequence[str]]


def as_classes(labels: Labels) -> tuple[Class, ...]:
    """Read labels in any of the forms that a caller may hold them.

    Args:
        labels: Names; or `Class`es; or a mapping from a name to its whole prompts.

    Raises:
        TextError: There is no label, one is empty, or two have the same name.

    Example:
        >>> [each.name for each in as_classes({"cat": ["a cat asleep"], "dog": ["a dog"]})]
        ['cat', 'dog']
    """
    if isinstance(labels, str):
        raise TextError(f"labels is one string, {labels!r}: give a list of labels")
    if isinstance(labels, Mapping):
        classes = tuple(_with_prompts(name, prompts) for name, prompts in labels.items())
    else:
        classes = tuple(one if isinstance(one, Class) else Class(one) for one in labels)
    if not classes:
        raise TextError("there are no labels: give at least one")
    seen: set[str] = set()
    for each in classes:
        if each.name in seen:
            raise TextError(f"label {each.name!r} is given twice: give each label once")
        seen.add(each.name)
    return classes


def _with_prompts(name: str, prompts: Sequence[str]) -> Class:
    """Make a class of whole prompts, refusing the two ways to write none."""
    if isinstance(prompts, str) or not prompts:
        raise TextError(f"label {name!r} needs a list of prompts, got {prompts!r}: give a list")
    return Class(name, prompts=tuple(prompts))


def as_templates(templates: Sequence[str] | str | None, recommended: str) -> tuple[str, ...]:
    """Read templates in any of the forms that a caller may hold them.

    Args:
        templates: Templates; or the name of a set in `TEMPLATES`; or one template, told by its
            `{}`; or None for the recommended one.
        recommended: The model's own.

    Raises:
        TextError: There is none, no set has the name, or one does not have exactly one `{}`.
    """
    if templates is None:
        templates = (recommended,)
    elif isinstance(templates, str):
        templates = (templates,) if "{}" in templates else _named(templates)
    if not templates:
        raise TextError("there are no templates: give at least one, such as '{}'")
    for template in templates:
        fill(template, "")
    return tuple(templates)


def _named(name: str) -> tuple[str, ...]:
    """Return a named set of templates."""
    if name not in TEMPLATES:
        raise TextError(
            f"no templates are called {name!r}: choose one of {', '.join(TEMPLATES)}, or write a "
            "template with {} where the name goes"
        )
    return TEMPLATES[name]


def fill(template: str, name: str) -> str:
    """Put a name where the template has its `{}`; braces in the name stay as they are.

    Raises:
        TextError: The template does not have exactly one `{}`.
    """
    if template.count("{}") != 1:
        raise TextError(f"template {template!r} needs exactly one {{}}: it is where the name goes")
    return template.replace("{}", name)


def prompts_by_name(one: Class, templates: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the texts of a class: a group for each of its names, a text for each template."""
    if one.prompts:
        return (one.prompts,)
    names = dict.fromkeys((one.name, *one.aliases))
    return tuple(tuple(fill(template, name) for template in templates) for name in names)
