"""Write the page: one HTML file without outside parts, readable without plots."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

import pandas as pd

from marquee.explore import plots
from marquee.explore.measure import FileMeasures, Measures, gini, head_share

STYLE = """
:root{color-scheme:light}body{font:16px/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;margin:0 auto;
max-width:60rem;padding:1rem}h1{margin:.5rem 0}h2{margin-top:2.2rem;border-bottom:2px solid #1f5f8b}
table{border-collapse:collapse;margin:.6rem 0}caption{text-align:left;font-weight:bold;padding:.3rem 0}
td,th{padding:.25rem .8rem;border-bottom:1px solid #c4c4c4;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}figure{margin:1rem 0}figcaption{color:#444}
svg{max-width:100%;height:auto}dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:.8rem}
dl div{border:1px solid #c4c4c4;border-radius:.4rem;padding:.6rem .8rem}dt{color:#444}dd{margin:0;font-size:1.5rem}
.scroll{overflow-x:auto}a{color:#1f5f8b}summary{cursor:pointer}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(dataset: str, origin: str, measures: Measures) -> str:
    """Return the page of a data set."""
    ratings = int(measures.ratings.sum())
    parts = [
        ("Overview", _overview(measures, ratings)),
        ("Files", _files(measures.files.values())),
        ("What cleaning will meet", _faults(measures)),
        ("Ratings", _ratings(measures)),
        ("Activity over time", _activity(measures)),
        ("Long tail", _long_tail(measures, ratings)),
        ("Movies", _movies(measures)),
    ]
    return document(dataset, origin, parts)


def document(dataset: str, origin: str, parts: Sequence[tuple[str, str]]) -> str:
    """Return the page of titled parts, each in HTML."""
    contents = "".join(f'<li><a href="#part-{n}">{title}</a></li>' for n, (title, _) in enumerate(parts))
    body = "".join(
        f'<section aria-labelledby="part-{n}"><h2 id="part-{n}">{title}</h2>{content}</section>'
        for n, (title, content) in enumerate(parts)
    )
    title = _text(f"{dataset}: what the data hold")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><header><h1>{title}</h1><p>Source: {_text(origin)}. Counted as it stands there, before cleaning.</p>"
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav></header><main>{body}</main></body></html>\n'
    )


def _overview(measures: Measures, ratings: int) -> str:
    by_user, by_movie = measures.ratings_by_user, measures.ratings_by_movie
    facts = {
        "ratings": f"{ratings:,}",
        "users who rated": f"{len(by_user):,}",
        "movies rated": f"{len(by_movie):,}",
        "movies listed": f"{_listed(measures):,}",
        "pairs with a rating": f"{measures.density:.2%}",
        "ratings a user, median": _median(by_user),
        "ratings a movie, median": _median(by_movie),
        "months with ratings": f"{len(measures.ratings_by_month):,}",
    }
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items()) + "</dl>"


def _median(counts: pd.Series[int]) -> str:
    return f"{counts.median():g}" if len(counts) else "unknown"


def _listed(measures: Measures) -> int:
    return measures.files["movies"].rows if "movies" in measures.files else 0


def _files(files: Iterable[FileMeasures]) -> str:
    return table(
        "Rows of each file; a key is what names a row (user and movie; user, movie and tag; movie; user)",
        ("File", "Rows", "Malformed", "Repeated keys", "Missing values"),
        [
            (
                file.name,
                file.rows,
                file.malformed,
                file.repeated,
                ", ".join(f"{column} {count:,}" for column, count in file.missing.items() if count) or "none",
            )
            for file in files
        ],
    )


def _faults(measures: Measures) -> str:
    rows = [
        ("Ratings that are no half stars from 0.5 to 5", measures.not_half_stars),
        ("Ratings of movies that the movies file does not list", measures.ratings_of_unknown_movies),
        ("Movies that nobody rated", measures.movies_unrated),
        ("Movies without a year in their title", _listed(measures) - int(measures.movies_by_year.sum())),
    ]
    return table("Counts of what is unusual", ("What", "Rows"), rows)


def _ratings(measures: Measures) -> str:
    if measures.ratings.empty:
        return _sentence("No value could be read as a number, so there is no distribution of ratings.")
    return figure(plots.ratings_histogram(measures), _mean(measures), _by_index(measures.ratings, "Rating"))


def _mean(measures: Measures) -> str:
    values = pd.Series(measures.ratings.index, dtype=float)
    mean = float((values.to_numpy() * measures.ratings.to_numpy()).sum() / measures.ratings.sum())
    return f"Ratings by value; mean {mean:.3f} stars."


def _activity(measures: Measures) -> str:
    months = measures.ratings_by_month
    if months.empty:
        return _sentence("No time could be read, or the file has none. `make inspect` says how the times look.")
    by_year = months.groupby(pd.DatetimeIndex(months.index).year).sum()
    caption = f"Ratings a month and their mean; most in {months.idxmax():%B %Y} ({int(months.max()):,})."
    return figure(plots.activity(measures), caption, _by_index(by_year, "Year"))


def _long_tail(measures: Measures, ratings: int) -> str:
    if measures.ratings_by_movie.empty or measures.ratings_by_user.empty:
        return _sentence("No id of a user or an item could be read. `make inspect` says how the ids look.")
    rows = []
    for what, counts in (("movies", measures.ratings_by_movie), ("users", measures.ratings_by_user)):
        rows.append(
            (
                what,
                f"{gini(counts):.3f}",
                f"{head_share(counts, 0.01):.1%}",
                f"{head_share(counts, 0.1):.1%}",
                f"{int((counts == 1).sum()):,}",
                f"{int(counts.max()):,}",
            )
        )
    head = ("", "Gini", "Held by the top 1%", "Held by the top 10%", "With one rating", "Most ratings of one")
    return (
        table(f"How {ratings:,} ratings are spread", head, rows)
        + figure(plots.long_tail(measures), "Ratings of each movie and of each user, by rank, both axes logarithmic.")
        + figure(
            plots.concentration(measures), "Share of the ratings that the most rated movies and busiest users hold."
        )
    )


def _movies(measures: Measures) -> str:
    shown = ""
    if len(measures.movies_by_year):
        decades = measures.movies_by_year.groupby(measures.movies_by_year.index // 10 * 10).sum()
        shown += figure(
            plots.movies_by_year(measures), "Movies by the year in their title.", _by_index(decades, "Decade")
        )
    if len(measures.movies_by_genre):
        numbers = _by_index(measures.movies_by_genre, "Genre")
        shown += figure(plots.genres(measures), "Movies by genre; a movie may have several.", numbers)
    return shown


def _sentence(text: str) -> str:
    return f"<p>{_text(text)}</p>"


def figure(svg: str, caption: str, numbers: str = "") -> str:
    """Return a plot with its caption, and its numbers to open."""
    details = f"<details><summary>The numbers</summary>{numbers}</details>" if numbers else ""
    return f"<figure>{svg}<figcaption>{_text(caption)}</figcaption>{details}</figure>"


def _by_index(counts: pd.Series[int], what: str) -> str:
    rows = [(f"{index:g}" if isinstance(index, float) else str(index), int(n)) for index, n in counts.items()]
    return table(f"By {what.lower()}", (what, "Count"), rows)


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; the first column names the rows, numbers align right."""
    columns = "".join(f'<th scope="col">{_text(name)}</th>' for name in head)
    body = ""
    for first, *others in rows:
        cells = "".join(
            f'<td class="n">{value:,}</td>' if isinstance(value, int) else f"<td>{_text(value)}</td>"
            for value in others
        )
        body += f'<tr><th scope="row">{_text(first)}</th>{cells}</tr>'
    return (
        f'<div class="scroll"><table><caption>{_text(caption)}</caption><thead><tr>{columns}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _text(value: object) -> str:
    return html.escape(str(value))
