"""The headings that divide CVs, in the languages people write them in."""

from __future__ import annotations

import re
import unicodedata

# Section → headings, casefolded.
HEADINGS = {
    "work": "experience|work experience|professional experience|employment|employment history|work history|career"
    "|berufserfahrung|beruflicher werdegang|werdegang|expérience|expériences|expérience professionnelle"
    "|expériences professionnelles|experiencia|experiencia laboral|experiencia profesional|experiência"
    "|experiência profissional|esperienza|esperienze professionali|esperienza professionale|uzoefu|uzoefu wa kazi"
    "|werkervaring|doświadczenie|doświadczenie zawodowe|опыт работы|досвід роботи|επαγγελματική εμπειρία"
    "|iş deneyimi|職歴|职业经历|工作经历|경력|الخبرة|الخبرة المهنية|الخبرات العملية|ניסיון תעסוקתי|कार्य अनुभव"
    "|ประสบการณ์ทำงาน",
    "education": "education|academic background|qualifications|ausbildung|bildung|bildungsweg|studium|formation"
    "|études|diplômes|educación|formación|formación académica|educação|formação|formação académica"
    "|formação acadêmica|istruzione|formazione|istruzione e formazione|elimu|opleiding|wykształcenie|образование"
    "|освіта|εκπαίδευση|σπουδές|eğitim|学歴|教育背景|教育经历|학력|التعليم|المؤهلات العلمية|השכלה|शिक्षा|การศึกษา",
    "skills": "skills|technical skills|key skills|core competencies|kenntnisse|fähigkeiten|it-kenntnisse"
    "|kompetenzen|compétences|habilidades|competencias|aptitudes|competências|competenze|ujuzi|vaardigheden"
    "|umiejętności|навыки|ключевые навыки|навички|δεξιότητες|beceriler|スキル|技能|专业技能|기술|المهارات"
    "|מיומנויות|कौशल|ทักษะ",
    "languages": "languages|sprachen|sprachkenntnisse|langues|idiomas|línguas|lingue|lugha|talen|języki"
    "|языки|знание языков|мови|γλώσσες|diller|語学|语言|语言能力|외국어|اللغات|שפות|भाषाएँ|ภาษา",
    "certificates": "certificates|certifications|licenses|licenses and certifications|zertifikate|certificats"
    "|certificaciones|certificações|certificazioni|vyeti|certyfikaty|сертификаты|πιστοποιήσεις|資格|证书|자격증"
    "|الشهادات|תעודות|प्रमाणपत्र",
    "projects": "projects|personal projects|projekte|projets|proyectos|projetos|progetti|miradi|projekty|проекты"
    "|έργα|projeler|プロジェクト|项目经历|프로젝트|المشاريع",
    "volunteer": "volunteering|volunteer experience|volunteer work|ehrenamt|bénévolat|voluntariado|volontariato"
    "|kujitolea|wolontariat|волонтерство|εθελοντισμός",
    "awards": "awards|honors|honours|honors and awards|auszeichnungen|prix|distinctions|premios|prémios|prêmios"
    "|premi|tuzo|награды|βραβεία|受賞歴|奖项|수상|الجوائز",
    "publications": "publications|veröffentlichungen|publikationen|publicaciones|publicações|pubblicazioni"
    "|machapisho|publikacje|публикации|δημοσιεύσεις|論文|出版物|المنشورات",
    "interests": "interests|hobbies|hobbies and interests|interessen|hobbys|centres d'intérêt|loisirs|intereses"
    "|aficiones|interesses|interessi|mambo ninayopenda|zainteresowania|интересы|хобби|ενδιαφέροντα|趣味|兴趣|취미"
    "|الاهتمامات",
    "summary": "summary|profile|about|about me|objective|professional summary|profil|kurzprofil|über mich|à propos"
    "|profil professionnel|perfil|perfil profesional|resumen|resumo|sobre mim|profilo|muhtasari|wasifu mfupi"
    "|podsumowanie|о себе|про себе|προφίλ|özet|自己pr|职业概述|自我评价|자기소개|الملخص|نبذة|תקציר|सारांश",
    "references": "references|referees|referenzen|références|referencias|referências|referenze|marejeo|wadhamini"
    "|referenties|referencje|рекомендации|συστάσεις|referanslar|推薦者|추천인|المراجع|ממליצים",
    "contact": "contact|contact details|personal details|personal information|kontakt|persönliche daten"
    "|coordonnées|contacto|datos personales|contato|dados pessoais|contatti|dati personali|mawasiliano"
    "|taarifa binafsi|dane osobowe|контакты|контакти|στοιχεία επικοινωνίας|iletişim|連絡先|联系方式|연락처"
    "|معلومات الاتصال|התקשרות|संपर्क",
    "title": "cv|curriculum vitae|resume|résumé|lebenslauf|currículum|currículo|wasifu|życiorys|резюме"
    "|βιογραφικό|βιογραφικό σημείωμα|özgeçmiş|履歴書|職務経歴書|简历|個人簡歷|이력서|السيرة الذاتية|קורות חיים"
    "|जीवन-वृत्त|ประวัติย่อ",
}  # fmt: skip
_SECTION = {word.casefold(): section for section, words in HEADINGS.items() for word in words.split("|")}


def section_of(line: str) -> str | None:
    """The section whose heading a line is, else None. `&` and `/` join two headings: the first counts."""
    if len(line) > 60:
        return None
    words = _between_signs(" ".join(line.casefold().split()))
    return _SECTION.get(words) or _SECTION.get(re.split(r"\s(?:&|and|und|et|y|e|na)\s|\s?/\s?", words)[0])


def _between_signs(text: str) -> str:
    """From the first letter to the last, with its marks."""
    places = [number for number, char in enumerate(text) if unicodedata.category(char)[0] in "LM"]
    return text[places[0] : places[-1] + 1] if places else ""
