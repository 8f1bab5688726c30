"""What benchmarks.gpu found, as JSON and as Markdown tables; written after every part."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def write(results: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    document = json.dumps(results, indent=1, ensure_ascii=False)
    (folder / "gpu.json").write_text(document + "\n", encoding="utf-8")
    (folder / "gpu.md").write_text("\n".join(markdown(results)) + "\n", encoding="utf-8")


def markdown(results: dict[str, Any]) -> Iterator[str]:
    machine = results["machine"]
    yield f"# {machine['device']}, {results['shape']}\n"
    yield ", ".join(f"{name} {version}" for name, version in machine["versions"].items()) + "\n"
    yield from _training(results.get("training", []))
    for part in ("build", "routing", "chat", "load"):
        if part in results:
            yield f"\n## {part}\n"
            yield from (f"- {key}: {_cell(value)}" for key, value in results[part].items())
    yield from _experts(results.get("experts", {}))
    for setting in results.get("training", []):
        yield from _kernels(setting)


def _training(settings: list[dict[str, Any]]) -> Iterator[str]:
    columns = {
        "allocated_gib": "peak GiB (tensors)",
        "estimated_gib": "estimated",
        "reserved_gib": "reserved",
        "in_use_gib": "GPU in use",
        "estimated_in_use_gib": "estimated",
        "tokens_per_second": "tokens/s",
        "seconds_per_step": "s/step",
    }
    kinds = ("dequantise", "fused 4-bit", "matmul", "attention")
    yield "| setting | " + " | ".join([*columns.values(), *kinds]) + " |"
    yield "|---" * (len(columns) + len(kinds) + 1) + "|"
    for one in settings:
        if "error" in one or "skipped" in one:
            yield f"| {one['setting']} | {one.get('error') or one['skipped']} |"
            continue
        parts = [one["shares"].get(kind, 0.0) for kind in kinds]
        cells = [_cell(one[key]) for key in columns] + [f"{part:.0%}" for part in parts]
        yield f"| {one['setting']} | " + " | ".join(cells) + " |"


def _experts(found: dict[str, Any]) -> Iterator[str]:
    if found:
        yield "\n## One layer of experts\n"
    if "ways" not in found:
        yield from (f"- {key}: {value}" for key, value in found.items())
        return
    yield "| way | tokens | ms | peak GiB |"
    yield "|---|---|---|---|"
    for one in found["ways"]:
        ms = one.get("error") or _cell(one["ms"])
        yield f"| {one['way']} | {one['tokens']} | {ms} | {_cell(one.get('allocated_gib'))} |"


def _kernels(setting: dict[str, Any]) -> Iterator[str]:
    if "kernels" not in setting:
        return
    yield f"\n## Longest kernels: {setting['setting']}\n"
    shares = ", ".join(f"{kind} {share:.1%}" for kind, share in setting["shares"].items())
    yield f"{shares} of {setting['kernel_ms']:.0f} ms a step.\n"
    yield "| ms | share | kernel |"
    yield "|---|---|---|"
    for kernel in setting["kernels"]:
        name = kernel["name"].replace("|", "\\|")
        yield f"| {kernel['ms']:.2f} | {kernel['share']:.1%} | `{name}` |"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
