"""Pages that do not say, or say falsely, what character set they are in."""

import pytest

from extraction.charsets import decoded

TEXTS = {
    "windows-1252": "<h1>Küchenchef für Köln</h1><p>Vergütung nach Tarif, Überstunden werden bezahlt, "
    "Prüfung möglich</p>",
    "cp1250": "<h1>Księgowa</h1><p>Wymagania: wykształcenie wyższe, doświadczenie. Oferujemy umowę o "
    "pracę</p>",
    "cp1254": "<h1>Kaynakçı</h1><p>Aranan nitelikler: deneyim, eğitim. Başvuru için özgeçmiş gönderin. "
    "İş ilanı</p>",
    "shift_jis": "<h1>営業スタッフ募集</h1><p>仕事内容：法人営業。応募資格：未経験者歓迎。給与：月給</p>",
    "euc_jp": "<h1>営業スタッフ募集</h1><p>仕事内容：法人営業。応募資格：未経験者歓迎。</p>",
    "gb18030": "<h1>销售经理</h1><p>岗位职责：负责公司产品的销售。任职要求：三年以上经验。</p>",
    "big5": "<h1>業務經理</h1><p>工作內容：負責公司產品的銷售。條件要求：三年以上經驗。</p>",
    "euc_kr": "<h1>영업 담당자 모집</h1><p>담당업무: 법인 영업. 자격요건: 경력 3년 이상</p>",
    "windows-1251": "<h1>Сварщик</h1><p>Обязанности: сварка металлоконструкций. Требования: опыт работы</p>",
    "koi8_r": "<h1>Сварщик</h1><p>Обязанности: сварка металлоконструкций. Требования: опыт работы</p>",
    "windows-1256": "<h1>محاسب</h1><p>مطلوب محاسب للعمل في شركة. الخبرة ثلاث سنوات. الراتب</p>",
    "utf-8": "<h1>Küchenchef für Köln</h1>",
    "utf-16": "<h1>Küchenchef für Köln</h1>",
}


@pytest.mark.parametrize("charset", TEXTS)
def test_an_undeclared_character_set_is_found(charset):
    assert decoded(TEXTS[charset].encode(charset), "text/html") == TEXTS[charset]


@pytest.mark.parametrize("charset", ["windows-1252", "shift_jis", "gb18030"])
def test_a_false_declaration_is_seen_through(charset):
    assert decoded(TEXTS[charset].encode(charset), "text/html; charset=utf-8") == TEXTS[charset]


def test_a_true_declaration_is_believed():
    text = "<meta charset='windows-1251'><h1>Сварщик</h1>"

    assert decoded(text.encode("windows-1251"), "text/html") == text


@pytest.mark.parametrize("codec", ["punycode", "idna", "undefined", "hex", "rot13", "zlib", "unicode_escape"])
def test_a_codec_that_is_no_character_set_is_not_believed(codec):
    text = f'<meta charset="{codec}"><h1>Küchenchef für Köln</h1>'

    assert decoded(text.encode(), f"text/html; charset={codec}") == text
    assert decoded(text.encode()) == text


@pytest.mark.parametrize("name", ["Amïna Wanjiru", "Zoë Müller", "José Núñez", "Håkan Öberg"])
def test_one_marked_letter_is_enough_to_be_read(name):
    text = f"{name}\nData engineer, Nairobi\n"

    assert decoded(text.encode("cp1252")) == text
