# ruff: noqa: E501 - lines of data
"""Make a small file of each shape of public data sets, by hand."""

import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MOVIELENS = "userId,movieId,rating,timestamp\n1,296,5.0,1147880044\n1,306,3.5,1147868817\n2,665,0.5,1147878820\n"
BOOK_CROSSING = (
    '"User-ID";"ISBN";"Book-Rating"\n'
    '"276725";"034545104X";"0"\n"276726";"0155061224";"5"\n"276727";"0446520802";"0"\n'
    '"276729";"052165615X";"3"\n"276729";"0521795028";"6"\n"276733";"2080674722";"0"\n"276736";"3257224281";"8"\n'
    '"276737";"0600570967";"6"\n"276744";"038550120X";"7"\n"276745";"342310538";"10"\n'
)
BOOKS = (
    '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication"\n'
    '"034545104X";"Flesh Tones: A Novel";"M. J. Rose";"2002"\n'
    '"0155061224";"Rites of \\"Passage\\"; Part 1";"Judith R\xe4"; "2001"\n'
    '"0446520802";"The Notebook";"Nicholas Sparks";"1996"\n'
)
GOODBOOKS = "user_id,book_id,rating\n1,258,5\n2,4081,4\n2,260,5\n2,9296,5\n2,2318,3\n3,26,1\n"
AMAZON = [
    {
        "reviewerID": "A2SUAM1J3GNN3B",
        "asin": "0000013714",
        "helpful": [0, 0],
        "reviewText": 'I bought, "this"; fine',
        "overall": 5.0,
        "unixReviewTime": 1252800000,
        "reviewTime": "09 13, 2009",
    },
    {
        "reviewerID": "A1KLRMWW2FWPL4",
        "asin": "0000031887",
        "overall": 2.0,
        "unixReviewTime": 1297468800,
        "reviewTime": "02 12, 2011",
    },
]
YELP = [
    {
        "review_id": "KU_O5udG6zpxOg-VcAEodg",
        "author": {"user_id": "mh_-eMZ6K5RLWhZyISBhwA", "fans": 3},
        "business_id": "XQfwVwDr-v0ZS3_CbbE5Xw",
        "stars": 3.0,
        "useful": 0,
        "text": "If you decide to eat here,\nbe aware",
        "date": "2018-07-07 22:09:11",
    },
    {
        "review_id": "BiTunyQ73aT9WBnpR9DZGw",
        "author": {"user_id": "OyoGAe7OKpv6SyGZT5g77Q", "fans": 0},
        "business_id": "7ATYjTIgM3jUlt4UM3IypQ",
        "stars": 5.0,
        "useful": 1,
        "text": "I've taken a lot",
        "date": "2012-01-03 15:28:18",
    },
]
STEAM = (
    "151603712,The Elder Scrolls V Skyrim,purchase,1.0,0\n151603712,The Elder Scrolls V Skyrim,play,273.0,0\n"
    '151603712,Fallout 4,purchase,1.0,0\n151603712,Fallout 4,play,87.0,0\n59945701,"Counter, Strike",purchase,1.0,0\n'
    '59945701,"Counter, Strike",play,0.7,0\n'
)
LASTFM = (
    "00000c289a1829a808ac09c00daf10bc3c4e223b\t3bd73256-3905-4f3a-97e2-8b341527f805\tbetty blowtorch\t2137\n"
    "00000c289a1829a808ac09c00daf10bc3c4e223b\t\tdie Ärzte\t1099\n"
    "00001411dc427966b17297bf4d69e7e193135d89\tf2fb0ff0-5679-42ec-a55c-15109ce6e320\tbetty blowtorch\t897\n"
    "00001411dc427966b17297bf4d69e7e193135d89\tb3ae82c2-e60b-4551-a76d-6620f1b456aa\tmelissa etheridge\t105\n"
)
NETFLIX = "1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n2:\n885013,4,2005-10-19\n30878,4,2005-12-26\n"
RETAILROCKET = (
    "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
    "1433224214164,992329,addtocart,248676,\n1433224214999,992329,view,248676,\n1433222276276,599528,transaction,356475,4000\n"
)
KUAIREC = (
    "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n"
    "0,3649,13838,10867,2020-07-05 00:08:23.438,20200705,1593878903.438,1.273396521579093\n"
    "0,9598,13665,10984,2020-07-05 00:13:41.297,20200705,1593879221.297,1.2440823015294975\n"
    "1,5262,851,7908,2020-07-05 00:16:06.687,20200705,1593879366.687,0.1076125442589782\n"
)
ANIME = "user_id,anime_id,rating\n1,20,-1\n1,24,-1\n1,79,-1\n2,11771,10\n3,20,8\n3,154,6\n"
ANIME_ITEMS = 'anime_id,name,genre,type,episodes,rating,members\n20,Naruto,"Action, Comedy",TV,220,7.81,683297\n24,"School, Rumble",Comedy,TV,26,8.06,178553\n'
RECBOLE = (
    "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n186\t302\t3\t891717742\n"
    "22\t377\t1\t878887116\n"
)
JESTER_WIDTH = 30


def jester() -> str:
    rows = []
    for user in range(12):
        rated = {user, user + 3, user + 7}
        cells = [f"{(user * 7 + item) % 19 - 9.34:.2f}" if item in rated else "99" for item in range(JESTER_WIDTH)]
        rows.append(",".join(["3", *cells]))
    return "\n".join(rows) + "\n"


def json_lines(rows: list[dict[str, object]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes], packing: str) -> Path:
    mode = {"gz": "w:gz", "xz": "w:xz", "": "w"}[packing]
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def gzipped(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content))
    return path


def xz_packed(path: Path, content: bytes) -> Path:
    path.write_bytes(lzma.compress(content))
    return path


def zstd_packed(path: Path, content: bytes) -> Path:
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        file.write(content)
    return path


def parquet(path: Path) -> Path:
    table = pa.table(
        {
            "customer_id": pa.array(["c-1", "c-2", "c-2"]),
            "product_id": pa.array([7, 8, 9], pa.int64()),
            "stars": pa.array([1.0, 4.0, 5.0]),
            "created_at": pa.array([1_600_000_000_000, 1_600_000_060_000, 1_600_000_120_500], pa.timestamp("ms")),
        }
    )
    pq.write_table(table, path)
    return path
