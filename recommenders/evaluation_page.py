"""The evaluation as one HTML page that opens offline: tables, and plots as inline SVG; it refers to nothing outside."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from recommenders.evaluation import Report

WIDTH: Final = 420
HEIGHT: Final = 300
EDGE: Final = 44
BAR: Final = 22
COLOURS: Final = ("#1f5fa8", "#d1672b", "#2e8b57", "#7a4ea3", "#a33a4a", "#5f6b7a", "#b8962e", "#2a9aa8")
STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1c2733}"
    "table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #dde3ea}"
    "th:first-child,td:first-child{text-align:left}small{color:#5f6b7a}"
    "figure{display:inline-block;margin:1rem 2rem 1rem 0;vertical-align:top}figcaption{max-width:26rem}"
    ".small svg{width:20rem;height:auto}.failed{color:#a33a4a;font-weight:600}"
)
Points = Sequence[tuple[float, float]]


def page(found: Report) -> str:
    """Return the page of a report."""
    k, split = found["k"], found["split"]
    parts = [
        "<h1>How good the recommendations are</h1>",
        f"<p>{_split(found, split)}</p>",
        f"<p>{escape(undated(found))}</p>",
        *(f'<p class="failed">{escape(failure)}</p>' for failure in found.get("failures", ())),
        "<h2>Ranking</h2>",
        _systems(found, k),
        f"<p>{escape(silent(found))}</p>",
        "<p><small>Intervals: 95 % over resampled customers. Only what a customer did not hold is ranked. “ranker” "
        "ranks by propensity; “ranker, gated” only what no gate refuses; “engine” is what the customer would see, by "
        "propensity × value. Novelty: bits; diversity: 1 less the likeness of a list’s products.</small></p>",
        _plots(found),
        "<h2>Reliability by product</h2>",
        _reliability(found["reliability"]),
        "<h2>Segments</h2>",
        _segments(found, k),
        "<h2>Products</h2>",
        _table(["product", "openings", "rate", "foreseen", "lift of the likeliest tenth"], [
            [p["product"], f"{p['openings']:,}", f"{p['rate']:.4f}", f"{p['foreseen']:.4f}", f"{p['lift']:.1f}"]
            for p in found["products"]
        ]),
        "<h2>Gates</h2>",
        f"<p>Gates refused {found['gates']['refused']:.1%} of {found['gates']['openings']:,} openings.</p>",
        _table(["gate", "refused"], [[code, f"{share:.1%}"] for code, share in found["gates"]["by_gate"].items()]),
        *(_fairness(name, each) for name, each in found["fairness"].items()),
    ]  # fmt: skip
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>guanxi evaluate, {escape(found['as_of'])}</title><style>{STYLE}</style></head><body>"
        + "\n".join(parts)
        + "</body></html>\n"
    )


def _split(found: Report, split: Mapping[str, Any]) -> str:
    how = {
        "time": f"learnt from what was known on {split['learnt_until']}, scored by what was opened until "
        f"{split['scored_until']}",
        "hidden": f"learnt on {split['learnt_until']} with one holding of each of them hidden, and scored by it",
        "holdout": f"learnt from what was known on {split['learnt_until']}, scored by the given holdout",
    }[split["how"]]
    return (
        f"As of {escape(found['as_of'])}: {how}. {found['openings']:,} openings of {found['openers']:,} customers; "
        f"{found['customers']:,} looked at. {split['openings_of_newcomers']:,} openings of customers who joined later "
        "are left out."
    )


def undated(found: Report) -> str:
    """Warn of holdings whose day is not known; empty where there are none."""
    shares = [f"{code} {share:.0%}" for code, share in found["split"]["undated"].items()]
    if not shares:
        return ""
    return (
        f"Holdings without a day are taken as held since ever: {', '.join(shares)}. "
        "Where they came later, these figures are too good."
    )


def spoke(found: Report) -> dict[str, Any]:
    """Return the systems that proposed anything, and those that are looked at whatever they do."""
    return {name: each for name, each in found["systems"].items() if each["coverage"] or each["kind"] == "whole"}


def silent(found: Report) -> str:
    """Name those that proposed nothing; empty where all did."""
    names = [name for name in found["systems"] if name not in spoke(found)]
    return f"Proposed nothing: {', '.join(names)}." if names else ""


def _systems(found: Report, k: int) -> str:
    metrics = [f"map@{k}", f"ndcg@{k}", "hr@1", "hr@3", f"hr@{k}", f"recall@{k}", "mrr"]
    rows = [
        [
            name,
            *(_interval(system["metrics"][metric]) for metric in metrics),
            _interval((system["beside_popularity"] or {}).get(f"map@{k}"), "+"),
            *(_number(system[name]) for name in ("coverage", "novelty", "diversity")),
            _number((system["calibration"] or {}).get("error"), 5),
        ]
        for name, system in spoke(found).items()
    ]
    beside = f"map@{k} beside {found['baseline'] or 'popularity'}"
    return _table(["", *metrics, beside, "coverage", "novelty", "diversity", "calibration error"], rows)


def _segments(found: Report, k: int) -> str:
    names = list(spoke(found))
    rows = [
        [segment, f"{each['customers']:,}", f"{each['openers']:,}",
         *(_interval(each["systems"][name][f"map@{k}"]) for name in names)]
        for segment, each in found["segments"].items()
    ]  # fmt: skip
    return _table([f"map@{k}", "customers", "who opened", *names], rows)


def _plots(found: Report) -> str:
    ranker = found["systems"]["ranker"]
    shown = [name for name in ("ranker", found["baseline"]) if name and found["systems"][name]["gain"]]
    gains = {name: [(p["asked"], p["openings"]) for p in found["systems"][name]["gain"]] for name in shown}
    plots = [lines("Cumulative gain", "share of pairs asked, likeliest first", "share of openings", gains)]
    if ranker["calibration"]:
        plots.insert(0, _reliable("Reliability", ranker["calibration"]))
    if found["products"]:
        plots.append(bars("Lift of the likeliest tenth", {p["product"]: p["lift"] for p in found["products"]}))
    return _figures(plots)


def _reliability(found: Mapping[str, Any]) -> str:
    """Small multiples: a plot a product, and one of those that have too few openings."""
    named, pooled = found["pooled"]["products"], found["pooled"]["calibration"]
    told = {each["product"]: each for each in found["products"]}
    if pooled is not None:
        told[f"{len(named)} pooled"] = pooled
    plots = [
        _reliable(f"{title}: {each['foreseen']:,.0f} foreseen, {each['seen']:,.0f} came true", each)
        for title, each in told.items()
    ]
    few = f"<p>Pooled, each with under {found['least']} openings foreseen and seen: {escape(', '.join(named))}.</p>"
    return f'<div class="small">{_figures(plots)}</div>' + (few if named else "")


def _reliable(title: str, calibration: Mapping[str, Any]) -> str:
    bins = [(each["predicted"], each["observed"]) for each in calibration["likeliest"]]
    return lines(title, "foreseen", "came true", {f"ranker (error {calibration['error']:.5f})": bins})


def _figures(plots: Sequence[str]) -> str:
    return "".join(f"<figure>{plot}</figure>" for plot in plots)


def _fairness(attribute: str, each: Mapping[str, Any]) -> str:
    groups, proxies = each["groups"], each["proxies"]
    head = f"<h2>Groups by {escape(attribute)}</h2>"
    if len(groups) < 2:
        return f"{head}<p>No two groups of 20 people are known of it.</p>"
    rates = [
        [f"offered {code}", *(f"{group['engine']['products'][code]:.3f}" for group in groups)]
        for code in groups[0]["engine"]["products"]
    ]
    rows = [
        ["customers", *(f"{group['customers']:,}" for group in groups)],
        ["offered anything", *(f"{group['engine']['offer_rate']:.3f}" for group in groups)],
        ["hit rate", *(_interval(group["engine"]["hit_rate"]) for group in groups)],
        ["hit rate if no gate refused", *(_interval(group["ranker"]["hit_rate"]) for group in groups)],
        *rates,
    ]
    told = [[proxy["name"], f"{proxy['auc']:.3f}", proxy["group"]] for proxy in proxies["found"]]
    if proxies["together"] is not None:
        told.append(["all features together", f"{proxies['together']:.3f}", ""])
    own = "<p>It is itself a feature.</p>" if proxies["is_feature"] else ""
    return (
        head + _table(["", *(group["group"] for group in groups)], rows) + f"<h3>What tells {escape(attribute)}</h3>"
        f"{own}<p><small>AUC: 0.5 is chance, 1 the attribute itself.</small></p>"
        + _table(["feature or path", "AUC", "group"], told)
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "<p>None.</p>"
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{heads}</tr>{body}</table>"


def _interval(found: Mapping[str, float] | None, sign: str = "") -> str:
    if found is None:
        return ""
    return f"{found['mean']:{sign}.3f} ({found['low']:{sign}.3f}–{found['high']:{sign}.3f})"


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def lines(title: str, across: str, up: str, series: Mapping[str, Points]) -> str:
    """Return a plot of lines beside the diagonal, as SVG."""
    most = max((value for points in series.values() for point in points for value in point), default=0) or 1
    drawn = [_line([(0, 0), (most, most)], most, "#b8c2cc", "4 4")]
    for place, (name, points) in enumerate(series.items()):
        colour = COLOURS[place % len(COLOURS)]
        drawn.append(_line(points, most, colour))
        drawn += [_dot(point, most, colour) for point in points]
        drawn.append(_text(WIDTH - 14, HEIGHT - EDGE - 10 - 16 * place, name, anchor="end", fill=colour))
    drawn += [
        f'<path d="M{EDGE} 8V{HEIGHT - EDGE}H{WIDTH - 8}" fill="none" stroke="#5f6b7a"/>',
        _text(WIDTH - 8, HEIGHT - EDGE + 16, f"{most:.2g}", anchor="end"),
        _text(EDGE - 4, 14, f"{most:.2g}", anchor="end"),
        _text(EDGE - 4, HEIGHT - EDGE + 14, "0", anchor="end"),
        _text((WIDTH + EDGE) / 2, HEIGHT - 8, across, anchor="middle"),
        f'<g transform="translate(14 {HEIGHT / 2}) rotate(-90)">{_text(0, 0, up, anchor="middle")}</g>',
    ]
    return _svg(title, WIDTH, HEIGHT, drawn)


def bars(title: str, values: Mapping[str, float]) -> str:
    """Return a plot of one bar a name, as SVG; the dashed line is 1."""
    most = max(1.0, *values.values())
    room = WIDTH - 190
    drawn = []
    for place, (name, value) in enumerate(values.items()):
        y = 4 + BAR * place
        drawn.append(
            f'<rect x="140" y="{y}" width="{room * value / most:.1f}" height="{BAR - 6}" fill="{COLOURS[0]}"/>'
        )
        drawn.append(_text(134, y + 13, name, anchor="end"))
        drawn.append(_text(144 + room * value / most, y + 13, f"{value:.1f}"))
    height = 8 + BAR * len(values)
    at = 140 + room / most
    drawn.append(f'<path d="M{at:.1f} 0V{height}" stroke="#1c2733" stroke-dasharray="4 4"/>')
    return _svg(title, WIDTH, height, drawn)


def _svg(title: str, width: int, height: int, drawn: Sequence[str]) -> str:
    named = escape(title)
    return (
        f'<figcaption><b>{named}</b></figcaption><svg role="img" aria-label="{named}" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" font-size="12">{"".join(drawn)}</svg>'
    )


def _at(point: tuple[float, float], most: float) -> tuple[float, float]:
    x, y = point
    return EDGE + x / most * (WIDTH - EDGE - 8), HEIGHT - EDGE - y / most * (HEIGHT - EDGE - 8)


def _line(points: Points, most: float, colour: str, dashes: str = "") -> str:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (_at(point, most) for point in points))
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'


def _dot(point: tuple[float, float], most: float, colour: str) -> str:
    x, y = _at(point, most)
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", fill: str = "#1c2733") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
