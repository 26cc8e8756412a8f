"""Write the tastes as MovieLens's older sets have them, with all that stands next to the ratings."""

from pathlib import Path

from tests.dags.marquee.ingest.own_data import shape_samples as samples
from tests.shapes.scales import lines
from tests.shapes.tastes import OwnData, taste


def hundred_thousand(folder: Path) -> OwnData:
    """ml-100k: tabs, splits of the same rows, bars and Latin-1 for items and users, and no header anywhere."""
    found = OwnData(folder / "ml-100k.zip")
    rated: list[list[object]] = []
    for one in taste().ratings:
        rated.append([one.user, one.item, max(1, int(one.stars)), one.time])
        found.add(str(one.user), str(one.item))
    found.add_titles(title=lambda title: title.replace("e (", "\xe9 ("))
    flags = "|".join("01"[place % 5 == 0] for place in range(19))
    items = [
        f"{item}|{title}|01-Jan-{taste().years[int(item)]}||http://us.imdb.com/M/{item}|{flags}"
        for item, title in found.titles.items()
    ]
    users = [f"{user}|{20 + int(user) % 40}|{'FM'[int(user) % 2]}|writer|{10000 + int(user)}" for user in found.seen]
    files = {"u.data": lines(rated, "\t"), "u1.base": lines(rated[::2], "\t"), "u1.test": lines(rated[1::2], "\t")}
    files |= {"ua.base": lines(rated[::3], "\t"), "u.user": "\n".join([*users, ""]), "u.item": "\n".join([*items, ""])}
    files |= {
        "u.info": "943 users\n1682 items\n",
        "u.occupation": "writer\nother\n",
        "u.genre": "unknown|0\nAction|1\n",
    }
    samples.zipped(found.archive, {f"ml-100k/{name}": text.encode("latin-1") for name, text in files.items()})
    return found


def one_million(folder: Path) -> OwnData:
    """ml-1m: two colons, users with age and postcode, and no header."""
    found = OwnData(folder / "ml-1m.zip")
    rated = ""
    for one in taste().ratings:
        rated += f"{one.user}::{one.item}::{max(1, int(one.stars))}::{one.time}\n"
        found.add(str(one.user), str(one.item))
    users = "".join(f"{user}::{'FM'[int(user) % 2]}::25::{int(user) % 21}::4{int(user):04}\n" for user in found.seen)
    found.add_titles()
    found.add_genres()
    found.years = {}  # the titles end with them
    items = "".join(f"{item}::{title}::{'|'.join(taste().genres[item])}\n" for item, title in taste().titles.items())
    files = {
        "ratings.dat": rated,
        "users.dat": users,
        "movies.dat": items,
        "README": "SUMMARY\n=======\n\nThese files\n",
    }
    samples.zipped(found.archive, {f"ml-1m/{name}": text.encode("latin-1", "replace") for name, text in files.items()})
    return found
