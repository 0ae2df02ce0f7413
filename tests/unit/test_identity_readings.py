# ruff: noqa: E501 (wide characters count twice)
"""Normal forms of names, codes, numbers and places, against values worked out by hand or taken from a standard."""

from __future__ import annotations

import pytest

from pipelines.identity.codes import credit_code
from pipelines.identity.companies import company
from pipelines.identity.people import person
from pipelines.identity.places import place_of
from pipelines.identity.reach import domain, mail, phone
from pipelines.identity.text import sound, spelling

SAME = (
    "苏州蓝海科技有限公司",
    "蓝海科技（苏州）有限公司",
    "蘇州藍海科技（有限公司）",
    "江苏省苏州市蓝海科技股份有限公司",
    "苏州蓝海科技",
    "苏州　蓝海 科技 有限责任公司。",
    "苏州蓝海科技（集团）有限公司",
    "蓝海(苏州)科技有限公司",
    "苏州蓝海科技有限公司（老客户）",
)


@pytest.mark.parametrize("name", SAME)
def test_spellings_of_one_company_have_one_core(name: str) -> None:
    of = company(name)
    assert (of.core, of.place, of.brand, of.trade, of.branch) == ("蓝海科技", "苏州", "蓝海", "科技", "")
    assert of.sound == "lanhaikeji"


@pytest.mark.parametrize(
    "name",
    [
        "Suzhou Lanhai Technology Co., Ltd.",
        "LANHAI TECHNOLOGY (SUZHOU) CO LTD",
        "Ｌａｎｈａｉ Technology Company Limited, Suzhou",
    ],
)
def test_an_english_name_sounds_like_the_chinese_one(name: str) -> None:
    of = company(name)
    assert (of.sound, of.place, of.trade) == ("lanhaikeji", "苏州", "科技")


@pytest.mark.parametrize(
    ("name", "branch", "where"),
    [
        ("苏州蓝海科技有限公司杭州分公司", "分公司", "杭州"),
        ("苏州蓝海科技有限公司（杭州分公司）", "分公司", "杭州"),
        ("苏州蓝海科技杭州办事处", "办事处", "杭州"),
        ("苏州蓝海科技有限公司第二分公司", "分公司", "第二"),
        ("Suzhou Lanhai Technology Co Ltd Hangzhou Branch", "分公司", "杭州"),
    ],
)
def test_a_branch_is_told_from_its_parent(name: str, branch: str, where: str) -> None:
    of = company(name)
    assert (of.sound, of.place, of.branch, of.branch_place) == ("lanhaikeji", "苏州", branch, where)


def test_homonyms_differ_in_what_makes_them_others() -> None:
    assert company("杭州蓝海科技有限公司").place == "杭州"
    assert company("苏州蓝海物流有限公司").trade == "物流"
    assert company("苏州蓝海集团有限公司").trade == "集团"  # a holding is not its 科技
    assert company("海林科技有限公司").brand == "海林"  # a town's name before nothing but a trade is a brand
    assert company("").core == ""


@pytest.mark.parametrize(
    ("text", "code", "is_checked"),
    [
        (
            "91110000600037341L",
            "91110000600037341L",
            True,
        ),  # the example of GB 32100's own annex of check digits
        (" 91110000 6000 3734 1l", "91110000600037341L", True),
        ("9111OOOO6OOO37341L", "91110000600037341L", True),  # letters that no code has
        ("91110000600037314L", "91110000600037314L", False),  # two places exchanged
        ("91110000600037342L", "91110000600037342L", False),
    ],
)
def test_credit_codes_are_checked(text: str, code: str, is_checked: bool) -> None:
    found = credit_code(text)
    assert found is not None
    assert (found.code, found.is_checked) == (code, is_checked)


def test_what_fills_a_field_is_no_code_and_no_number() -> None:
    words = (
        "无",
        "-",
        "NONE",
        "NULL",
        "UNKNOWN",
        "TODO",
        "N/A",
        "暂无",
        "NULLNULLNULLNULL00",
        "NOTAVAILABLEATALL1",
    )
    runs = (
        "000000000000000000",
        "123456789012345678",
        "987654321098765432",
        "123456789012345",
        "121212121212121212",
    )
    cut_short = (
        "9111000060003734",
        "91110000600037341L0",
        "12345678",
    )  # a code has 18 places, the old one 15
    assert [credit_code(text) for text in (*words, *runs, *cut_short)] == [None] * 18
    phones = ("无", "00000000", "11111111111", "x", "13800138000", "138 0013 8000", "13888888888", "13900000000", "13812345678",
              "400-888-8888", "0512-12345678")  # fmt: skip
    assert [phone(text) for text in phones] == [None] * 11
    mails = (
        "noemail@corp.example",
        "no-email@163.com",
        "test@163.com",
        "Test01@corp.example",
        "none@none.com",
        "li@noemail.com",
    )
    assert [mail(text) for text in mails] == [None] * 6


def test_an_old_code_has_15_places() -> None:
    old = credit_code("320500400001857")
    assert old is not None
    assert (old.code, old.is_checked) == ("320500400001857", False)


@pytest.mark.parametrize("name", ["张经理", "王总", "李先生", "欧阳主任", "张", "Mr. Zhang", "ms wang"])
def test_a_surname_with_a_title_is_no_personal_name(name: str) -> None:
    assert person(name) == ""


def test_a_title_is_cut_off_a_name_and_no_name_is_cut() -> None:
    names = ("王小明总监", "李建工", "欧阳修", "欧阳修副总经理", "Wei", "Mr. Li Wei")
    assert [person(name) for name in names] == ["王小明", "李建工", "欧阳修", "欧阳修", "wei", "li wei"]


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("삼성전자 Co., Ltd.", "삼성전자"),
        ("Ромашка Trading Co., Ltd.", "ромашка贸易"),
        ("トヨタ", "トヨタ"),
        ("Société Générale", "societegenerale"),
    ],
)
def test_names_in_other_scripts_keep_their_letters(name: str, core: str) -> None:
    of = company(name)
    assert of.core == core
    assert of.sound.isascii()
    assert len(of.sound) >= len(core)


def test_other_scripts_sound_as_they_differ_and_a_form_alone_names_nobody() -> None:
    assert company("Ромашка").sound != company("Берёзка").sound
    assert company("삼성전자").sound != company("현대자동차").sound
    assert company("Co., Ltd.").core == ""


@pytest.mark.parametrize(
    ("text", "number", "kind", "extension"),
    [
        ("0512-66668888", "+8651266668888", "fixed", ""),
        ("(0512) 6666 8888 转 801", "+8651266668888", "fixed", "801"),
        ("０５１２－６６６６８８８８", "+8651266668888", "fixed", ""),
        ("86-512-66668888", "+8651266668888", "fixed", ""),
        ("0512-66668888-12", "+8651266668888", "fixed", "12"),
        ("139 0512 7306", "+8613905127306", "mobile", ""),
        ("13905127306", "+8613905127306", "mobile", ""),
        ("13905127306/0512-66668888", "+8613905127306", "mobile", ""),
        ("400-820-8820", "+864008208820", "service", ""),
        ("+852 2893 6140", "+85228936140", "fixed", ""),
    ],
)
def test_telephone_numbers(text: str, number: str, kind: str, extension: str) -> None:
    found = phone(text)
    assert found is not None
    assert (found.number, found.kind, found.extension) == (number, kind, extension)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://Www.Abc.com.cn/a?b", "abc.com.cn"),
        ("mail.corp.example", "corp.example"),
        ("shop12.1688.com", ""),
        ("qq.com", ""),
        ("没有", ""),
        ("192.168.1.1", ""),
    ],
)
def test_domains_are_those_that_somebody_registered(text: str, expected: str) -> None:
    assert domain(text) == expected


def test_mails_and_names_of_people() -> None:
    found = mail(" 王芳 <Wang.Fang@Mail.Corp.example>")
    assert found is not None
    assert (found.address, found.domain) == ("wang.fang@mail.corp.example", "corp.example")
    provider = mail("a@163.com")
    assert provider is not None
    assert provider.domain == ""
    assert mail("none") is None
    assert [person(n) for n in ("蕭 若曦", "萧若曦女士", "Mr. John  Smith", "王伟02")] == [
        "萧若曦",
        "萧若曦",
        "john smith",
        "王伟02",
    ]


@pytest.mark.parametrize(
    ("text", "province", "city"),
    [
        ("江苏省", "江苏", None), ("蘇州", "江苏", "苏州"), ("江苏省苏州市", "江苏", "苏州"), ("Shijiazhuang", "河北", "石家庄"),
        ("上海", "上海", "上海"), ("广西壮族自治区", "广西", None), ("昆山", "江苏", "苏州"), ("Changsha", "湖南", "长沙"), ("大连", "辽宁", "大连"),
    ],
)  # fmt: skip
def test_places(text: str, province: str, city: str | None) -> None:
    found = place_of(text)
    assert found is not None
    assert (found.province, found.city) == (province, city)


def test_what_is_no_place() -> None:
    assert [place_of(text) for text in ("华东", "中国", "", "Nowhere")] == [None] * 4


def test_sounds_are_ascii_and_spellings_pass_over_marks() -> None:
    assert sound("长兴Ａ1") in {"changxing1", "changxinga1"}
    assert sound("重庆").isascii()
    assert spelling("数据大屏 Pro（标准版）") == spelling("數據大屏ＰＲＯ(标准版)") == "数据大屏pro标准版"
