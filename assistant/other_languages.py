"""Messages in other languages than English: the plainest emergencies of seven of them, and noticing that it is not English.

Breathwise answers in English. A modest list, so that somebody who writes in German, French, Spanish, Italian, Portuguese, Dutch or Polish about
chest pain, breathing, fainting, blood, stroke, an overdose or suicide is sent to help all the same, in English and in their own language.
"""

from __future__ import annotations

import re
import unicodedata

ENGLISH_ONLY = "I answer in English only; please ask in plain English, for example: explain my result."

# language -> what to do, then expressions over the lower-case message without accents
EMERGENCY: dict[str, tuple[str, str]] = {
    "German": ("Notfall: Rufen Sie jetzt 112 an.", r"(?:brust|herz)(?:korb)?(?:schmerz\w*|druck|enge|stechen)|schmerz\w*[^.;?!]{0,20}(?:brust|herz)|brust[^.;?!]{0,15}(?:schmerz|weh|druck|eng)|(?:bekomme?|kriege?|bekommt|kriegt)[^.;?!]{0,15}(?:keine|kaum|schlecht) luft|(?:kann|kannst) (?:nicht|kaum)(?: mehr)?(?: richtig)? atmen|atemnot|luftnot|erstick\w*|herzinfarkt|schlaganfall|bewusstlos|ohnmachtig|zusammengebrochen|umgekippt|(?:huste|spucke|erbreche|kotze)\w*[^.;?!]{0,12}blut|blut[^.;?!]{0,15}(?:gehustet|erbrochen|gespuckt)|selbstmord|suizid|umbringen|will (?:nicht mehr leben|sterben)|blaue lippen|lippen[^.;?!]{0,14}blau|zunge[^.;?!]{0,14}(?:schwillt|geschwollen)|uberdosis|krampfanfall|gesicht[^.;?!]{0,18}(?:hangt|taub|gelahmt)|arm[^.;?!]{0,15}(?:gelahmt|taub)|(?:zu viele|alle) tabletten"),
    "French": ("Urgence : appelez le 112 ou le 15 maintenant.", r"(?:mal|douleur\w*|oppression|serrement)[^.;?!]{0,20}(?:poitrine|thorax|coeur)|poitrine[^.;?!]{0,15}(?:mal|serre|douleur)|(?:peux|peut|arrive|arrive a) (?:pas|plus|pas a|plus a)(?: a)? respirer|n'arrive (?:pas|plus) a respirer|(?:j'?)?etouffe|suffoque|infarctus|crise cardiaque|\bavc\b|evanoui\w*|inconscient\w*|(?:perdu|perd) connaissance|(?:crache|tousse|vomi\w*)[^.;?!]{0,12}sang|suicid\w*|me tuer|(?:envie de|veux) mourir|levres[^.;?!]{0,14}bleu\w*|langue[^.;?!]{0,14}(?:gonfl\w*)|gorge[^.;?!]{0,14}(?:gonfl\w*|ferme)|surdose|overdose|convulsion\w*|bouche[^.;?!]{0,12}(?:de travers|tordue)|bras[^.;?!]{0,15}paralys\w*"),
    "Spanish": ("Emergencia: llame al 112 o al 911 ahora.", r"(?:dolor|duele|presion|opresion|ardor)[^.;?!]{0,20}(?:pecho|torax|corazon)|(?:no puedo|no puede|no logro) respirar|me (?:ahogo|asfixio|falta el aire)|se (?:ahoga|asfixia)|falta de aire|infarto|ataque (?:al corazon|cardiaco)|derrame cerebral|desmay\w*|inconsciente|perdi\w* el conocimiento|(?:tos|toso|tosiendo|escup\w*|vomit\w*)[^.;?!]{0,12}sangre|suicid\w*|matarme|quiero morir\w*|labios[^.;?!]{0,14}(?:azul\w*|morad\w*)|lengua[^.;?!]{0,14}hinch\w*|garganta[^.;?!]{0,14}(?:cierra|hinch\w*)|sobredosis|convulsion\w*|(?:cara|boca)[^.;?!]{0,12}(?:torcida|caida)|brazo[^.;?!]{0,15}(?:paraliz\w*|dormido)"),
    "Italian": ("Emergenza: chiami subito il 112.", r"(?:dolor\w*|male|peso|oppressione)[^.;?!]{0,20}(?:petto|torace|cuore)|(?:non riesco a|non riesce a|non posso) respirare|soffoc\w*|mi manca il (?:respiro|fiato)|manca l'aria|infarto|\bictus\b|svenut\w*|incosciente|perso (?:i sensi|conoscenza)|(?:toss\w*|sput\w*|vomit\w*)[^.;?!]{0,12}sangue|suicid\w*|uccidermi|voglio morire|farla finita|labbra[^.;?!]{0,14}(?:blu|viola)|lingua[^.;?!]{0,14}gonfi\w*|gola[^.;?!]{0,14}(?:chiud\w*|gonfi\w*)|overdose|convulsion\w*|(?:bocca|faccia|viso)[^.;?!]{0,14}(?:storta|cade\w*)|braccio[^.;?!]{0,15}(?:paralizz\w*|debole)"),
    "Portuguese": ("Emergência: ligue já para o 112 ou o 192.", r"(?:dor|dores|aperto|pressao)[^.;?!]{0,20}(?:peito|torax|coracao)|peito[^.;?!]{0,12}(?:doi|doer|doendo|aperta\w*)|(?:nao consigo|nao consegue|nao posso) respirar|falta de ar|sufoc\w*|infarto|enfarte|ataque cardiaco|\bavc\b|desmai\w*|inconsciente|perd\w* (?:a consciencia|os sentidos)|(?:toss\w*|cusp\w*|vomit\w*)[^.;?!]{0,12}sangue|suicid\w*|me matar|matar-me|quero morrer|labios[^.;?!]{0,14}(?:azu\w*|rox\w*)|lingua[^.;?!]{0,14}inchad\w*|garganta[^.;?!]{0,14}(?:fech\w*|inch\w*)|overdose|convuls\w*|(?:boca|rosto)[^.;?!]{0,12}tort\w*|braco[^.;?!]{0,15}(?:paralis\w*|dormente)"),
    "Dutch": ("Noodgeval: bel nu 112.", r"(?:pijn|druk|beklemming)[^.;?!]{0,14}(?:borst|hart)|borst[^.;?!]{0,10}pijn|pijnlijke borst|(?:krijg|krijgt) (?:geen|bijna geen|nauwelijks) (?:lucht|adem)|kan (?:niet|nauwelijks|bijna niet)(?: meer)?(?: goed)? (?:ademen|ademhalen)|benauwd|stik\b|stikt\b|hartaanval|hartinfarct|beroerte|flauwgevallen|bewusteloos|ingestort|(?:hoest|spuug|braak|geef)\w*[^.;?!]{0,10}bloed|bloed[^.;?!]{0,12}(?:op|gehoest|gebraakt)|zelfmoord|suicid\w*|mezelf (?:van kant|doden)|wil (?:niet meer leven|dood)|lippen[^.;?!]{0,14}blauw|blauwe lippen|tong[^.;?!]{0,14}(?:zwelt|gezwollen|opgezwollen)|overdosis|epileptische|mond[^.;?!]{0,12}scheef|scheve mond|arm[^.;?!]{0,15}(?:verlamd|gevoelloos)"),
    "Polish": ("Nagły wypadek: proszę natychmiast dzwonić pod 112.", r"(?:bol|boli|ucisk|bole|pieczenie)[^.;?!]{0,20}(?:klat\w*|piers\w*|serc\w*|mostk\w*)|(?:klatk\w*|serce)[^.;?!]{0,14}boli|nie (?:moge|moze)(?: zlapac)? (?:oddychac|oddechu|tchu)|dusze sie|dusi sie|dusznos\w*|brakuje (?:mi )?(?:powietrza|tchu)|zawal\w*|udar\w*|zemdl\w*|nieprzytomn\w*|stracil\w* przytomnosc|(?:kaszl\w*|plu\w*|wymiot\w*)[^.;?!]{0,12}krwi\w*|samobojstw\w*|zabic sie|chce (?:umrzec|sie zabic)|nie chce (?:juz )?zyc|(?:sine|niebieskie) usta|usta[^.;?!]{0,14}(?:sine|niebieskie)|jezyk[^.;?!]{0,14}(?:puchnie|spuchn\w*)|przedawkowa\w*|drgawki|(?:usta|twarz)[^.;?!]{0,14}(?:krzyw\w*|opad\w*)|rek\w*[^.;?!]{0,15}(?:bezwladn\w*|paraliz\w*|dretwie\w*)"),
}  # fmt: skip
_COMPILED = {language: re.compile(words) for language, (_, words) in EMERGENCY.items()}
_NOT = re.compile(r"\b(?:kein\w*|nicht|nie|ohne|pas de|pas d'|aucune?|jamais|sans|sin|ningun\w*|nunca|non ho|nessun\w*|senza|mai|nao tenho|sem|nenhum\w*|geen|zonder|nooit|bez|nie mam|zadn\w*|no tengo|hatte\b[^.;?!]{0,20}(?:19|20)\d\d)\s+(?:\w+\s+){0,2}$")  # fmt: skip
# words that carry no meaning and that English does not share
_SMALL = {
    "German": "der die das und ist ich nicht mein meine meinen wie was bedeutet wert kann ein eine fur mit auf zu sie warum habe haben wird auch sind",
    "French": "le la les et est je ne pas mon ma mes que quoi comment une des pour avec sur vous pourquoi ai suis quel quelle cette ces dans du au",
    "Spanish": "el la los las y es yo no mi mis que como una unos para con por usted porque tengo cual esta este significa puedo son del cuales se me",
    "Italian": "il lo la gli e sono mio mia miei che come una per con perche ho quale questa questo significa posso della dei di cosa del i le",
    "Portuguese": "o a os as e eu nao meu minha meus que como uma para com por voce porque tenho qual esta este significa posso do da dos sao",
    "Dutch": "de het een en ik niet mijn wat hoe betekent waarde kan voor met op te u waarom heb hebben wordt ook zijn dit deze van is",
    "Polish": "i jest ja nie moj moja moje co jak oznacza dla z na dlaczego mam czy to sa ten ta wynik sie mnie w do o",
}  # fmt: skip
_SMALL_WORDS = {
    language: frozenset(words.split()) - {"is", "a", "o", "no", "me", "i", "on", "in", "do", "die", "was", "not", "as"} for language, words in _SMALL.items()
}
_ENGLISH = frozenset(
    "the is are i my me you your what how why when which who and of to in it for with on do does can should this that have has be was were not at as from if or a an am "
    "explain show tell give result results please help breath breathing lung lungs test hello hi thanks thank yes".split()
)


def emergency(message: str) -> str | None:
    """What to do now, in the language of a message that tells of an emergency; None in English and where there is none."""
    text = _plain(message)
    for language, pattern in _COMPILED.items():
        for match in pattern.finditer(text):
            before = re.split(r"[.;?!,]", text[: match.start()])[-1]
            if not _NOT.search(before) and (language_of(message) == language or match.end() - match.start() > 9):
                return EMERGENCY[language][0]
    return None


def language_of(message: str) -> str:
    """The language a message is written in: "English", one of the seven, or "another" for other scripts; English where it is not clear."""
    letters = [c for c in message if c.isalpha()]
    if letters and sum("LATIN" not in unicodedata.name(c, "") and c not in "\u03b1\u03b2\u03bc\u00b5" for c in letters) > len(letters) / 2:
        return "another"
    words = re.findall(r"[a-z]+(?:'[a-z]+)?", _plain(message))
    english = sum(word in _ENGLISH for word in words)
    counts = {language: sum(word in small for word in words) for language, small in _SMALL_WORDS.items()}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] >= 2 and counts[best] > english and counts[best] >= 0.2 * len(words) else "English"


def _plain(message: str) -> str:
    """Lower case without accents."""
    text = unicodedata.normalize("NFKD", message.lower().replace("\u0142", "l").replace("\u00df", "ss").replace("\u2019", "'"))
    return " ".join("".join(c for c in text if not unicodedata.combining(c)).split())
