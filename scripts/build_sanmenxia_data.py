"""Rebuild src/qipan/demo/data/sanmenxia_*.csv from the open data sets: build_sanmenxia_data.py SHARED_DIR.

SHARED_DIR holds data/china/sanmenxia_census2020_county.csv, data/china/china_census2020_county.parquet (the same
table, with the age bands above 80 that the CSV lacks) and data/geo/sanmenxia_townships.csv. Codes, names and counts
are taken over; English names are the pinyin tables below. Nothing is estimated: the script stops where margins do
not add up.
"""

import csv
import re
import sys
from pathlib import Path

import polars as pl

OUT = Path(__file__).resolve().parents[1] / "src" / "qipan" / "demo" / "data"
CITY = "411200"
#: The census table gives the zone no code; this is its statistical code.
ZONE_NAME, ZONE = "河南三门峡经济开发区", "411271"

COUNTIES = {
    "411202": ("湖滨区", "Hubin District"),
    "411203": ("陕州区", "Shanzhou District"),
    "411221": ("渑池县", "Mianchi County"),
    "411224": ("卢氏县", "Lushi County"),
    "411271": ("三门峡经济开发区", "Sanmenxia Economic Development Zone"),
    "411281": ("义马市", "Yima City"),
    "411282": ("灵宝市", "Lingbao City"),
}
#: What a township-level unit is called in English.
KINDS = {"街道": "Subdistrict", "镇": "Town", "乡": "Township"}
PINYIN = {
    "湖滨": "Hubin",
    "前进": "Qianjin",
    "车站": "Chezhan",
    "涧河": "Jianhe",
    "大安": "Da'an",
    "会兴": "Huixing",
    "崖底": "Yadi",
    "交口": "Jiaokou",
    "磁钟": "Cizhong",
    "高庙": "Gaomiao",
    "甘棠": "Gantang",
    "大营": "Daying",
    "原店": "Yuandian",
    "西张村": "Xizhangcun",
    "观音堂": "Guanyintang",
    "张汴": "Zhangbian",
    "菜园": "Caiyuan",
    "张茅": "Zhangmao",
    "王家后": "Wangjiahou",
    "硖石": "Xiashi",
    "西李村": "Xilicun",
    "宫前": "Gongqian",
    "店子": "Dianzi",
    "城关": "Chengguan",
    "英豪": "Yinghao",
    "张村": "Zhangcun",
    "洪阳": "Hongyang",
    "天池": "Tianchi",
    "仰韶": "Yangshao",
    "仁村": "Rencun",
    "果园": "Guoyuan",
    "陈村": "Chencun",
    "坡头": "Potou",
    "段村": "Duancun",
    "南村": "Nancun",
    "兴贤里": "Xingxianli",
    "杜关": "Duguan",
    "五里川": "Wulichuan",
    "官道口": "Guandaokou",
    "朱阳关": "Zhuyangguan",
    "官坡": "Guanpo",
    "范里": "Fanli",
    "东明": "Dongming",
    "双龙湾": "Shuanglongwan",
    "文峪": "Wenyu",
    "横涧": "Hengjian",
    "双槐树": "Shuanghuaishu",
    "汤河": "Tanghe",
    "瓦窑沟": "Wayaogou",
    "狮子坪": "Shiziping",
    "沙河": "Shahe",
    "徐家湾": "Xujiawan",
    "潘河": "Panhe",
    "木桐": "Mutong",
    "向阳": "Xiangyang",
    "千秋路": "Qianqiulu",
    "朝阳路": "Chaoyanglu",
    "新义街": "Xinyijie",
    "常村路": "Changcunlu",
    "泰山路": "Taishanlu",
    "新区": "Xinqu",
    "东区": "Dongqu",
    "尹庄": "Yinzhuang",
    "朱阳": "Zhuyang",
    "阳平": "Yangping",
    "故县": "Guxian",
    "豫灵": "Yuling",
    "大王": "Dawang",
    "阳店": "Yangdian",
    "函谷关": "Hanguguan",
    "焦村": "Jiaocun",
    "川口": "Chuankou",
    "寺河": "Sihe",
    "苏村": "Sucun",
    "五亩": "Wumu",
    "西阎": "Xiyan",
}
#: The three statistical units of Lingbao, which are no townships.
OTHERS = {
    "灵宝市园艺场": "Lingbao Horticultural Farm",
    "涧东区": "Jiandong Area",
    "涧西区": "Jianxi Area",
}


def english(name: str) -> str:
    """The English name of a township-level unit."""
    if name in OTHERS:
        return OTHERS[name]
    kind = next(kind for kind in KINDS if name.endswith(kind))
    return f"{PINYIN[name.removesuffix(kind)]} {KINDS[kind]}"


def read_census(shared: Path) -> dict[str, dict[str, str]]:
    """Rows of the city and its county units by code, the CSV checked against the whole table."""
    whole = pl.read_parquet(shared / "data" / "china" / "china_census2020_county.parquet")
    whole = whole.filter(pl.col("city") == "三门峡市")
    rows = {}
    for row in whole.to_dicts():
        code = row["adcode"] or (ZONE if row["county"] == ZONE_NAME else None)
        if code is None:
            raise SystemExit(f"a unit without code: {row['county']}")
        rows[code] = row
    with (shared / "data" / "china" / "sanmenxia_census2020_county.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            row = rows[line["adcode"] or ZONE]
            for column, value in line.items():
                if column.startswith(("男_", "女_", "人口数_")) and float(value) != float(row[column]):
                    raise SystemExit(f"{line['county']} {column}: {value} and {row[column]}")
    return rows


def bands(row: dict[str, str]) -> list[tuple[str, int, int | None, int]]:
    """(sex, age from, age to, people) of one unit, in the order of the table."""
    found = []
    for column, value in row.items():
        match = re.fullmatch(r"([男女])_(?:(\d+)岁|(\d+)到(\d+)岁|(\d+)岁以上)", column)
        if not match:
            continue
        sex = "male" if match[1] == "男" else "female"
        if match[2]:
            ages: tuple[int, int | None] = (int(match[2]), int(match[2]))
        elif match[3]:
            ages = (int(match[3]), int(match[4]))
        else:
            ages = (int(match[5]), None)
        found.append((sex, *ages, int(float(value))))
    return found


def main(shared: Path) -> None:
    census = read_census(shared)
    if set(census) != {CITY, *COUNTIES}:
        raise SystemExit(f"other units than expected: {sorted(census)}")
    total = {code: int(float(row["人口数_合计"])) for code, row in census.items()}
    if sum(total[code] for code in COUNTIES) != total[CITY]:
        raise SystemExit("the counties do not add up to the city")
    areas: list[tuple[object, ...]] = [
        ("410000", "", "province", "河南省", "Henan", ""),
        (CITY, "410000", "city", "三门峡市", "Sanmenxia", total[CITY]),
    ]
    areas += [(code, CITY, "county", zh, en, total[code]) for code, (zh, en) in COUNTIES.items()]
    with (shared / "data" / "geo" / "sanmenxia_townships.csv").open(encoding="utf-8") as file:
        areas += [
            (row["code"], row["areaCode"], "township", row["name"], english(row["name"]), "")
            for row in csv.DictReader(file)
        ]
    people: list[tuple[object, ...]] = []
    for code in (CITY, *COUNTIES):
        found = bands(census[code])
        for sex, column in (("male", "人口数_男"), ("female", "人口数_女")):
            if sum(band[3] for band in found if band[0] == sex) != int(float(census[code][column])):
                raise SystemExit(f"{code}: the age bands of {sex} do not add up")
        people += [(code, sex, low, "" if high is None else high, count) for sex, low, high, count in sorted(found)]
    OUT.mkdir(parents=True, exist_ok=True)
    write(OUT / "sanmenxia_areas.csv", ("code", "parent", "level", "name_zh", "name_en", "population"), areas)
    write(OUT / "sanmenxia_population.csv", ("area", "sex", "age_from", "age_to", "count"), people)
    print(f"{len(areas)} areas, {len(people)} bands, {total[CITY]} people")


def write(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
