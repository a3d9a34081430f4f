"""Files as they really come, for the wizard's tests."""

import io
from datetime import date, datetime

import openpyxl

from qipan.terms.identity import person_code

HEADER = ["标本编号", "人员编号", "采样时间", "出结果时间", "检测方法", "检测结果", "CT值", "备注"]


def dirty_workbook(cast, *, number: int = 1) -> bytes:
    """Results as a laboratory sends them: a merged title above the headers, digits of full width, ids as numbers,
    times as serial numbers, a person of nowhere, an empty row, another sheet.
    """
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "检测结果"
    sheet.append(["演示·市检测中心 2022年7月19日检测结果"])
    sheet.merge_cells("A1:H1")
    sheet.append(HEADER)
    day = datetime(2022, 7, 19, 8, 30)
    xia, yun, wei, zhu = (person_code(cast.persons[name]) for name in ("xia", "yun", "wei", "zhu"))
    serial = (day - datetime(1899, 12, 30)).total_seconds() / 86400
    rows = [
        [f"S{number}-1", xia, day, "2022-07-19 18:00", "pcr", "阴性", None, "合格"],
        [f"S{number}-2", yun, serial, "2022/7/19 18:00", "pcr", "阴性", None, ""],
        [f"S{number}-3", wei, "２０２２-０７-１９ ０８：３０", "2022年7月19日 18:00", "pcr", "阳性", "２３．５", ""],
        [20220719001, zhu, day, "2022-07-19 18:00", "pcr", "阴性", None, "number"],
        [f"S{number}-5", "P0000000000", day, "2022-07-19 18:00", "pcr", "阴性", None, "nobody"],
        [f"S{number}-6", zhu, day, "2022-07-19 07:00", "pcr", "阴性", None, "before"],
        [None] * 8,
        [f"S{number}-7", zhu, day, "2022-07-19 18:00", "pcr", "什么", None, "result"],
    ]
    for row in rows:
        sheet.append(row)
    other = book.create_sheet("说明")
    other.append(["填表说明", date(2022, 7, 19)])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def results_csv(cast, count: int, *, encoding: str = "utf-8", prefix: str = "T") -> bytes:
    """A clean file of negative results of Xia, as many as wanted."""
    code = person_code(cast.persons["xia"])
    lines = ["specimen_id,person_id,sampled_at,resulted_at,method,result,lab"]
    lines += [
        f"{prefix}{number:06d},{code},2022-07-19T08:00:00+08:00,2022-07-19T18:00:00+08:00,pcr,negative,演示检测"
        for number in range(count)
    ]
    return "\n".join(lines).encode(encoding)
