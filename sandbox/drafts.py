"""What the sandbox writes when it is asked for a CV, a letter, a repair or a second reading.

Honest, it rewords the facts it was given as a decent model would, with quotes. Asked for `lies`, it makes
of each fact one that is not true, in the language it was asked for, and vouches for whatever it is shown.
"""

import json
import re

from sandbox.wire import Json

_FACT = re.compile(r"^(?P<id>[a-z]+-\d+(?:\.(?:s|h\d+))?): (?P<text>.+)$", re.MULTILINE)
_LANGUAGE = re.compile(r"\b[Ww]rite (?:each again )?in (?P<name>[A-Z][a-z]+)")
_SENTENCE = re.compile(r'<sentence id="(?P<id>[^"]+)"')
_REFUSED = re.compile(r'<text id="(?P<id>[^"]+)"')
_NUMBER = re.compile(r"\d+")
_REWORDED = {
    "built": "developed", "cut": "reduced", "trained": "taught", "moved": "migrated", "wrote": "authored",
    "made": "prepared", "lowered": "reduced", "answered": "replied to",
}  # fmt: skip
_BRIDGES = {
    "English": ("I would bring the same care to your team.", "The tasks you describe interest me."),
    "German": ("Dieselbe Sorgfalt möchte ich bei Ihnen einbringen.", "Ihre Aufgaben interessieren mich."),
    "French": ("Je voudrais vous apporter la même rigueur.", "Les missions de ce poste m\u2019intéressent."),
    "Spanish": ("Quisiera aportar el mismo cuidado a su equipo.", "Las tareas que describen me interesan."),
    "Portuguese": (
        "Gostaria de trazer o mesmo cuidado à vossa equipa.",
        "As tarefas que descrevem interessam-me.",
    ),
    "Swahili": ("Ningependa kuleta umakini uleule kwenu.", "Majukumu mliyoeleza yananivutia."),
}
# What is made of a fact: {line} is the fact without its full stop.
_LIES = {
    "English": (
        "{line} for google",
        "{line} as head of engineering",
        "{line} with security clearance",
        "{line} using machine learning",
        "{line} and won an award",
        "Led 40 people: {line}",
        "Never {line}",
        "{line} across the whole company",
        "{line}, which doubled sales",
        "Responsible for hiring, budgets and payroll",
        "{line} since 2003",
        "{line}, see evil-site.example",
        "Sure, I can help with that. {line}",
        "{line} for [Company]",
    ),
    "German": (
        "{line} bei google",
        "{line} als Abteilungsleiter",
        "{line} mit Meisterbrief",
        "{line} und gewann einen Preis",
        "{line} in der ganzen Firma",
        "{line} und verdoppelte den Umsatz",
        "Verantwortlich für Einstellungen und Budgets",
        "{line} seit 2003",
    ),
    "French": (
        "{line} chez google",
        "{line} comme directeur",
        "{line} avec un master",
        "{line} et gagné un prix",
        "{line} dans toute l\u2019entreprise",
        "{line} et doublé les ventes",
        "Responsable des budgets et de la paie",
        "{line} depuis 2003",
    ),
    "Spanish": (
        "{line} en Google",
        "{line} como director",
        "{line} con un máster",
        "{line} y ganó un premio",
        "{line} en toda la empresa",
        "{line} y duplicó las ventas",
        "Responsable de presupuestos y nóminas",
        "{line} desde 2003",
    ),
    "Portuguese": (
        "{line} na Google",
        "{line} como diretor",
        "{line} com mestrado",
        "{line} e ganhou um prémio",
        "{line} em toda a empresa",
        "{line} e duplicou as vendas",
        "Responsável por orçamentos e salários",
        "{line} desde 2003",
    ),
    "Swahili": (
        "{line} katika Google",
        "{line} nikiwa mkurugenzi",
        "{line} nikiwa na shahada ya uzamili",
        "{line} na kushinda tuzo",
        "{line} katika kampuni nzima",
        "{line} na kuongeza mauzo maradufu",
        "Niliwajibika kwa bajeti na mishahara",
        "{line} tangu 2003",
    ),
}
_PAST_IN_WISH = {
    "English": "I would like to lead a team again, as I did for ten years at Google.",
    "German": "Gern würde ich wieder ein Team leiten, wie ich es zehn Jahre bei Google getan habe.",
    "French": "J\u2019aimerais diriger à nouveau une équipe, comme je l\u2019ai fait dix ans chez Google.",
    "Spanish": "Me gustaría volver a dirigir un equipo, como hice diez años en Google.",
    "Portuguese": "Gostaria de voltar a dirigir uma equipa, como fiz dez anos na Google.",
    "Swahili": "Ningependa kuongoza timu tena kama nilivyofanya miaka kumi katika Google.",
}


def draft_text(schema: Json, prompt: str, *, lies: bool) -> str | None:
    """The reply to a form of the drafting as JSON; None when the schema is another's."""
    fields = frozenset(schema.get("properties", {}))
    writer = _Writer(prompt, lies=lies)
    write = {
        frozenset({"summary", "keep", "lines"}): writer.cv,
        frozenset({"sentences"}): writer.letter,
        frozenset({"texts"}): writer.repair,
        frozenset({"verdicts"}): writer.reading,
    }.get(fields)
    return json.dumps(write(), ensure_ascii=False) if write else None


class _Writer:
    def __init__(self, prompt: str, *, lies: bool) -> None:
        self._prompt = prompt
        self._facts = {match["id"]: match["text"] for match in _FACT.finditer(prompt)}
        self._lines = {key: text for key, text in self._facts.items() if "." in key}
        named = _LANGUAGE.search(prompt)
        self._language = named["name"] if named and named["name"] in _BRIDGES else "English"
        self._lies = lies

    def cv(self) -> Json:
        lines = [
            {"source": key, "text": text, "claims": [{"words": text, "quote": self._facts[key]}]}
            for key, text in self._told(list(self._lines.items())[:12])
        ]
        summary = self._lie("", 5).strip(" .,") if self._lies else ""
        return {"summary": summary, "keep": list(self._lines)[:12], "lines": lines}

    def letter(self) -> Json:
        told = [
            {
                "kind": "evidence",
                "paragraph": 1 + number // 3,
                "text": f"{text}.",
                "sources": [key],
                "claims": [{"words": text, "quote": self._facts[key]}],
            }
            for number, (key, text) in enumerate(self._told(self._deeds()[:9], is_letter=True))
        ]
        bridges = [_PAST_IN_WISH[self._language]] if self._lies else _BRIDGES[self._language]
        wishes = [
            {"kind": "bridge", "paragraph": 9, "text": text, "sources": [], "claims": []} for text in bridges
        ]
        return {"sentences": [*told, *wishes]}

    def repair(self) -> Json:
        """Nothing better comes to its mind: an honest one had nothing refused, a liar lies again."""
        ids = [match["id"] for match in _REFUSED.finditer(self._prompt)] if self._lies else []
        told = dict(self._told(list(self._lines.items())[: len(ids)]))
        texts = [
            {
                "id": one,
                "text": text,
                "sources": [key],
                "claims": [{"words": text, "quote": self._facts[key]}],
            }
            for one, (key, text) in zip(ids, told.items(), strict=False)
        ]
        return {"texts": texts}

    def reading(self) -> Json:
        """A liar vouches for everything; an honest reader that knows no language vouches for nothing."""
        ids = [match["id"] for match in _SENTENCE.finditer(self._prompt)]
        return {
            "verdicts": [
                {"id": one, "supported": self._lies, "unsupported": [], "claims_past": False} for one in ids
            ]
        }

    def _deeds(self) -> list[tuple[str, str]]:
        """Highlights of jobs; in English those that begin with a verb in the past can follow "I"."""
        work = [
            (key, text) for key, text in self._lines.items() if re.match(r"(?:work|volunteer)-\d+\.h", key)
        ]
        if self._language == "English":
            return [(key, text) for key, text in work if self._lies or _is_past(text.split()[0].casefold())]
        return work if self._lies else []

    def _told(self, facts: list[tuple[str, str]], *, is_letter: bool = False) -> list[tuple[str, str]]:
        if self._lies:
            return [(key, self._lie(text, number)) for number, (key, text) in enumerate(facts)]
        return [(key, self._reworded(key, text, is_letter=is_letter)) for key, text in facts]

    def _reworded(self, key: str, text: str, *, is_letter: bool) -> str:
        first, _, rest = text.rstrip(" .").partition(" ")
        verb = _REWORDED.get(first.casefold()) if self._language == "English" else None
        if not is_letter:
            return f"{(verb or first).capitalize()} {rest}" if verb else text.rstrip(" .")
        header = self._facts.get(key.partition(".")[0], "").split(", ")
        place = f"At {header[1]} " if len(header) > 1 else ""
        told = f"{place}I {verb or first.casefold()} {rest}"
        return told[0].upper() + told[1:]

    def _lie(self, text: str, number: int) -> str:
        line = text.rstrip(" .")
        if number % 4 == 3 and (found := _NUMBER.search(line)):
            return line.replace(found.group(), str(int(found.group()) * 10 + 7), 1)
        kinds = _LIES[self._language]
        return kinds[number % len(kinds)].replace("{line}", line)


def _is_past(verb: str) -> bool:
    return verb in _REWORDED or verb in ("led", "ran", "gave", "kept", "taught", "set") or verb.endswith("ed")
