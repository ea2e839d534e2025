"""`bc-events topics lint`: what the rules find in definitions files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from bc_events import __version__
from bc_events.contract.lint import report
from bc_events.contract.lint.file_findings import file_findings
from bc_events.contract.lint.fixes import fixed
from bc_events.contract.lint.ignores import not_ignored
from bc_events.contract.lint.rule import RULES, SEVERITIES
from bc_events.contract.lint.settings import LintSettings, read_settings
from bc_events.errors import counted

from .escaping import escaped, json_text
from .exit_codes import FAILED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bc_events.contract.lint.finding import Finding

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FORMATS = ("human", "json", "sarif", "github")
_NEVER = "never"


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, type=_FILE)
@click.option("--format", "form", type=click.Choice(_FORMATS), default="human", show_default=True, help="How to print.")
@click.option(
    "--fail-on",
    type=click.Choice([*SEVERITIES[:-1], _NEVER]),
    default="error",
    show_default=True,
    help="Exit with 1 where a finding is as grave as this.",
)
@click.option("--fix", is_flag=True, help="Mend what can be mended with no change of meaning.")
@click.option("--rules", is_flag=True, help="List the rules with their severities, and do nothing else.")
@click.pass_context
def lint(context: click.Context, files: tuple[Path, ...], form: str, fail_on: str, *, fix: bool, rules: bool) -> None:
    """Find what is valid in definitions files, but likely to hurt those who rely on them.

    A comment accepts a finding, at the end of its line or on a line above it: # lint: ignore[open-object]. The table
    tool.bc_events.lint.severity of pyproject.toml gives rules another severity, or turns them off.

    Exits with 0, or 1 if there is a finding as grave as --fail-on.

    \b
    Example:
      bc-events topics lint topics.yaml
      bc-events topics lint topics.yaml --fail-on warning --format github
    """
    settings = read_settings(Path.cwd())
    if rules:
        _list_rules(settings)
        return
    if not files:
        raise click.UsageError("give the definitions files to look at, or --rules")
    if fix:
        _fix(files, settings)
    findings = {str(file): _findings(file, settings) for file in files}
    _print(findings, form)
    grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1] if fail_on != _NEVER else ()
    context.exit(FAILED if any(one.severity in grave for found in findings.values() for one in found) else 0)


def _findings(file: Path, settings: LintSettings) -> list[Finding]:
    return not_ignored(file_findings(file, settings), file.read_text(encoding="utf-8", errors="replace"))


def _fix(files: tuple[Path, ...], settings: LintSettings) -> None:
    for file in files:
        before = _findings(file, settings)
        if any(finding.rule.is_fixable for finding in before):
            with file.open(encoding="utf-8", newline="") as opened:
                text = opened.read()
            mended = fixed(text, before)
            if mended != text:
                file.write_text(mended, encoding="utf-8", newline="")


def _print(findings: Mapping[str, Sequence[Finding]], form: str) -> None:
    if form == "json":
        click.echo(json_text(report.as_json(findings), option=orjson.OPT_INDENT_2))
        return
    if form == "sarif":
        click.echo(json_text(report.as_sarif(findings, __version__), option=orjson.OPT_INDENT_2))
        return
    line = report.github_line if form == "github" else report.human_line
    for file, found in findings.items():
        for finding in found:
            click.echo(escaped(line(file, finding)))
    if form == "human":
        for file, found in findings.items():
            click.echo(escaped(f"{file}: {counted(len(found), 'finding')}"))


def _list_rules(settings: LintSettings) -> None:
    for rule in RULES.values():
        fixable = " Can be fixed." if rule.is_fixable else ""
        click.echo(f"{rule.name} ({settings.severity(rule)}): {rule.summary}{fixable}")
