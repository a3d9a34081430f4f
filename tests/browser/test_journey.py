"""One outbreak from the file to the log, as those who work on it and those whom it binds see it on their screens."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from base64 import b32decode
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest

from qipan.foundation.audit import verify_log
from qipan.terms.identity import person_code
from tests.browser.people import PASSWORD
from tests.cast import AT, TODAY, TOWNSHIP_A1

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.people import Guest
    from tests.cast import Cast

HEADER = [
    "病例编号", "接触者编号", "首次接触日期", "末次接触日期", "接触场所", "接触分钟", "接触类别", "经由接触者编号",
    "备注",
]  # fmt: skip
DAY = timedelta(days=1)


class Device:
    """Somebody's app for one-time codes, told its key by what the page says."""

    def __init__(self, typed: str) -> None:
        self._key = b32decode(typed.replace(" ", ""))
        self._given = 0

    def code(self) -> str:
        """The next code: the same is taken once, and one's clock may be half a minute ahead."""
        from django_otp.oath import TOTP

        totp = TOTP(self._key)
        self._given = max(totp.t(), self._given + 1)
        totp.drift = self._given - totp.t()
        return f"{totp.token():06d}"


def prepared(cast: Cast) -> None:
    """Passwords, a case of the county, a site; the privacy officer sees the whole log."""
    from qipan.rooms.investigation.services import case_add
    from qipan.rooms.organizations.models import Membership
    from qipan.rooms.quarantine.services import NewRoom, rooms_add, site_open
    from qipan.terms.evidence import Classification
    from tests.browser.scenes import passwords

    passwords(cast)
    Membership.objects.filter(user=cast.users["lin"]).update(area=None, area_path="/")
    case_add(
        actor=cast.alice, at=AT, person_id=cast.yun, classification=Classification.CONFIRMED, case_id="C-1",
        onset_date=TODAY - 2 * DAY, report_date=TODAY, source="区疾控中心",
    )  # fmt: skip
    site = site_open(actor=cast.gao, name="演示·湖滨隔离点", area_code=TOWNSHIP_A1, at=AT)
    rooms_add(actor=cast.gao, site_id=site.pk, rooms=[NewRoom("301"), NewRoom("302")], at=AT)


def week_passes(cast: Cast) -> None:
    """The laboratory finds nothing on any of the days; the daily cycle runs on the morning after the last."""
    from qipan.foundation import clock
    from qipan.rooms.command.services import day_run
    from qipan.rooms.control.models import Order
    from qipan.rooms.testing.services import result_record
    from qipan.terms.evidence import TestOutcome
    from qipan.terms.roles import SYSTEM_ACTOR

    now = clock.now()
    order = Order.objects.get(person_id=cast.xia, kind="quarantine_central", closed_at=None)
    for day in order.test_days:
        sampled = datetime.fromisoformat(f"{day}T12:00:00+08:00")
        result_record(
            actor=cast.hu, person_id=cast.xia, source="市检测中心", specimen_id=f"S-{day}", sampled_at=sampled,
            resulted_at=sampled + timedelta(hours=6), method="pcr", result=TestOutcome.NEGATIVE, at=now,
        )  # fmt: skip
    day_run(actor=SYSTEM_ACTOR, date=clock.local_date(now, clock.civil_zone()), at=now)


def wrong_code(code: str) -> str:
    """A person's code with the last sign mistaken."""
    return code[:-1] + ("A" if code[-1] != "A" else "C")


def contact_list(cast: Cast) -> bytes:
    """As an office sends it: a merged title, serial numbers for days, full width, a code that is wrong by a letter, a
    day to come, a row twice.
    """
    def serial(day: date) -> int:
        return (datetime(day.year, day.month, day.day) - datetime(1899, 12, 30)).days

    first, last = TODAY - 2 * DAY, TODAY - DAY
    xia, wei, zhu, tao = (person_code(cast.persons[name]) for name in ("xia", "wei", "zhu", "tao"))
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "密接"
    sheet.append(["湖滨区疾控中心密切接触者名单（７月２０日）"])
    sheet.merge_cells("A1:I1")
    sheet.append(HEADER)
    twice = ["C-1", xia, serial(first), serial(last), "家庭", "３０", "密接", None, ""]
    for row in (
        twice,
        ["C-1", wei, "２０２２-０７-１８", "2022年7月19日", "单位", 20, "次密接", xia, "同事"],
        ["C-1", wrong_code(tao), first, last, "超市", 15, "密接", None, "编号手写"],
        ["C-1", zhu, first, datetime(2022, 8, 19), "聚餐", "６０", "密接", None, ""],
        twice,
    ):
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def sign_in(guest: Guest, name: str, button: str = "登录") -> None:
    """By the door, as everybody."""
    guest.open("/")
    guest.fill(username=name, password=PASSWORD)
    guest.press(button)


def enrol(guest: Guest, button: str) -> Device:
    """Set up the second factor with the key that the page says."""
    device = Device(guest.page.locator(".typed-key").inner_text())
    guest.fill(code=device.code(), password=PASSWORD)
    guest.press(button)
    return device


def take_in(guest: Guest, name: str, content: bytes, *preview: str) -> None:
    """Through the wizard, in Chinese, seeing `preview` before the rows are taken in."""
    guest.fill(kind="contacts", source="区疾控中心")
    guest.page.set_input_files(
        '[name="file"]', {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    guest.press("读取文件")
    guest.sees(f"识别结果: {name}", "尚未写入任何数据")
    guest.press("预览")
    guest.sees(*preview)
    assert guest.barriers() == []
    guest.press("导入")
    guest.sees("文件已导入。")


def saved(guest: Guest, button: str, path: Path) -> Path:
    """Press the button that answers with a file; the file."""
    with guest.page.expect_download() as download:
        guest.page.locator("main").get_by_role("button", name=button, exact=True).click()
    download.value.save_as(path)
    return path


def test_from_the_file_to_the_log(
    cast: Cast, enter: Callable[..., Guest], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tests.browser.scenes import behind, work

    behind(lambda: prepared(cast))
    xia, wei, zhu, tao = (person_code(cast.persons[name]) for name in ("xia", "wei", "zhu", "tao"))

    # --- Alice comes in: password, a second factor set up, and given when it is asked for ---------------------------
    alice = enter(language="zh-hans")
    sign_in(alice, "alice")
    alice.open("/second-factor")
    alice.sees("扫描这个二维码")
    device = enrol(alice, "继续")
    alice.sees("您的恢复码", "只显示这一次")
    assert alice.barriers() == []
    alice.page.locator(".tools .dropdown-toggle").click()
    alice.press("退出", inside=".tools")
    alice.sees("您已退出。")
    sign_in(alice, "alice")

    # --- a dirty workbook, through the wizard to totals that add up -------------------------------------------------
    alice.open("/imports/new/")
    take_in(
        alice, "密接名单.xlsx", contact_list(cast), "5 申报 = 2 将接收 + 2 将被拒 + 1 已有（重复）",
        f"4 C-1 {wei} 2022-07-18 2022-07-19 单位 20 secondary {xia}",  # full width, and two ways to write a day
        f"3 C-1 {xia} 2022-07-18 2022-07-19 家庭 30 close",  # serial numbers
        "1 接触者编号 to_person_id 没有这个人，或您无权为其登记。 5",
        "1 末次接触日期 last_exposure 该日期晚于本文件的登记时间。 6",
    )  # fmt: skip
    alice.sees("5 申报 = 2 接收 + 2 被拒 + 1 重复", "6 末次接触日期 last_exposure 该日期晚于本文件的登记时间。")
    batch = alice.page.url

    # --- the rejects are seen, taken away, mended and sent again ----------------------------------------------------
    alice.follow("下载被拒行")
    alice.sees("您要做的操作除密码外还需要验证码。")
    alice.fill(code=device.code())
    alice.press("继续")
    alice.sees("有 2 行被拒。", "本次下载将记入日志。")
    text = saved(alice, "下载", tmp_path / "rejects.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["rejected_row"], row["rejected_column"]) for row in rows] == [
        ("5", "to_person_id"), ("6", "last_exposure"),
    ]  # fmt: skip
    alice.open(batch)
    alice.follow("上传改正后的文件")
    mended = text.replace("2022-08-19", "2022-07-19").replace(wrong_code(tao), tao)
    take_in(alice, "改正后.csv", mended.encode(), "2 申报 = 2 将接收 + 0 将被拒 + 0 已有（重复）", "这些行没有问题。")
    alice.sees("2 申报 = 2 接收 + 0 被拒 + 0 重复", "没有被拒的行。")

    # --- the decision about one of them says why, and what would change it ------------------------------------------
    alice.page.keyboard.press("Control+k")
    alice.page.keyboard.type(xia)
    with alice.page.expect_navigation():
        alice.page.keyboard.press("Enter")
    alice.sees("■ 红码", "集中隔离 执行中 2022-07-26")
    alice.follow("原因与变化条件")
    alice.sees(
        "密切接触者自末次暴露起集中隔离医学观察7天，再居家健康监测3天。", "联防联控机制综发〔2022〕71号",
        "接触暴露: 密切接触者 · 7月18日 – 7月19日 · 家庭 · 共处 30 分钟", "今日检测阳性", "自 7月30日 00:00 起",
    )  # fmt: skip
    alice.follow("集中隔离")
    alice.sees(f"集中隔离 · {xia}", "申诉受理 湖滨区", "措施产生")

    # --- quarantine: the arrival is received in a room, its consequences said before --------------------------------
    gao = enter(language="zh-hans")
    sign_in(gao, "gao")
    gao.open("/quarantine/arrivals")
    gao.sees(xia, zhu, "还有 8 小时")
    gao.open("/quarantine/")
    gao.follow("演示·湖滨隔离点")
    gao.follow(f"登记入住 {xia}")
    gao.press("登记入住")
    gao.sees("确认之前请阅读", "301 房间（系统推荐）", "至7月26日 24:00", "可随时向湖滨区", "申诉不延长管控期限")
    assert gao.barriers() == []
    gao.press("确认")
    gao.sees(f"{xia} 已入住 301 房间。", "空床位 1")

    # --- a visit on a phone: the colleague, at home -----------------------------------------------------------------
    chen = enter(language="zh-hans", phone=True)
    sign_in(chen, "chen")
    chen.open("/field/")
    chen.sees("今日上门", wei, "居家隔离")
    assert "演示·wei" not in chen.text
    chen.press("显示姓名和住址（上门随访）")
    chen.sees("演示·wei", "演示路2号", "审计日志已记录您的查看")
    chen.page.get_by_role("link", name="健康").click()
    chen.page.get_by_label("体温").fill("36.6")
    assert chen.barriers() == []
    chen.page.get_by_role("button", name="保存随访").click()
    chen.page.locator(".card-state.saved").wait_for()
    chen.open("/field/")
    chen.sees("1 已完成")

    # --- a week later the order has ended: let go -------------------------------------------------------------------
    monkeypatch.setenv("QIPAN_NOW", "2022-07-27T09:00:00+08:00")
    behind(lambda: week_passes(cast))
    gao.open("/quarantine/releases")
    gao.sees(xia, "已无管控措施：应立即解除离开")
    gao.page.locator('tbody input[name="row"]').check()
    gao.press("解除离开")
    gao.sees("演示·湖滨隔离点, 301: 已无管控措施")
    assert gao.barriers() == []
    gao.press("确认")
    gao.sees("解除离开：已完成 1 项。", "今天没有应解除人员。")

    # --- the person appeals against what is left of it, by a personal link on a phone of her own --------------------
    bob = enter()
    sign_in(bob, "bob", "Sign in")
    bob.open(f"/people/{xia}/")
    bob.follow("Personal link")
    bob.press("Make a link")
    bob.sees("This link is shown once")
    assert bob.barriers() == []
    link = bob.page.locator(".link-once").get_attribute("href")
    assert link is not None
    resident = enter(language="zh-hans", phone=True)
    resident.open(link)
    resident.sees("黄码", "居家健康监测", "7月27日 至 7月29日 24 时", "密切接触者自末次暴露起集中隔离医学观察7天")
    resident.page.get_by_text("有误，我要申诉").click()
    resident.fill(grounds="那几天我在郑州出差，有车票。")
    resident.press("提交申诉")
    resident.sees("您已申诉，须在 7月28日 09:00 前答复；逾期无人答复，这项措施自动解除。", "您的陈述: 那几天")
    assert resident.barriers() == []

    # --- somebody of another unit answers, behind the second factor -------------------------------------------------
    lin = enter()
    sign_in(lin, "lin", "Sign in")
    lin.open("/appeals/")
    lin.sees(xia, "in 24 hours")
    lin.follow("waiting for an answer", inside="tbody")
    lin.sees("那几天我在郑州出差", "A close contact: 7 days of central quarantine")
    lin.follow("Answer")
    enrol(lin, "Continue")
    lin.follow("I have kept them")
    lin.fill(answer="grant", reason="车票证明当时不在场。")
    lin.press("Answer")
    lin.sees("Before you confirm", "An exemption goes to the ledger", "until 29 Jul")
    lin.press("Confirm")
    lin.sees("The appeal is answered: granted", "It was released")
    resident.open(link)
    resident.sees("绿码", "您可以自由出行。", "申诉成立：这项措施已解除", "车票证明当时不在场。")

    # --- the log verifies: here, and without qipan ------------------------------------------------------------------
    lin.open("/log/")
    lin.press("Verify now")
    lin.sees("It waits for a worker.")
    assert behind(work) == ["done"]
    lin.open("/log/")
    lin.sees("✓ verified", "an appeal was opened", "identities were opened", "a personal link was issued")
    lin.follow("Export the whole log")
    lin.fill(purpose="The province checks the log of this year")
    file = saved(lin, "Export", tmp_path / "log.jsonl")
    run = subprocess.run([sys.executable, "-I", verify_log.__file__, file], capture_output=True, text=True, check=False)
    assert run.returncode == 0
    assert "entries, 0 anchors: verified" in run.stdout
