from __future__ import annotations

from contextlib import suppress

import pytest
import yaml
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights

from objectcut.errors import CutError
from objectcut.request.labels import LANGUAGES, Labels

SMALL_CLASSES = (
    *("__background__", "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "boat", "bird", "cat"),
    *("dog", "horse", "sheep", "cow", "bottle", "chair", "couch", "potted plant", "dining table", "tv", "bed"),
)
SMALL = Labels.of(SMALL_CLASSES)
COCO = Labels.of(MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1.meta["categories"])

WRITTEN = yaml.safe_load((ROOT / "handler" / "objectcut" / "request" / "names.yaml").read_text("utf-8"))
ANIMALS = {"bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"}
CUTLERY = {"fork", "knife", "spoon"}
FRUITS = {"banana", "apple", "orange"}
FURNITURE = {"bench", "chair", "couch", "bed", "dining table"}
AMBIGUOUS = {
    word: entry["classes"]
    for entry in WRITTEN["ambiguous"]
    for language in LANGUAGES
    for word in entry.get(language, [])
}


def meant(labels: Labels, *words: str) -> set[str]:
    return {labels.classes[label] for label in labels.resolve(words)}


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("cat", "cat"),
        ("CAT", "cat"),
        ("  Cats ", "cat"),
        ("people", "person"),
        ("women", "person"),
        ("sofa", "couch"),
        ("Sofas", "couch"),
        ("puppy", "dog"),
        ("puppies", "dog"),
        ("kitten", "cat"),
        ("buses", "bus"),
        ("sheep", "sheep"),
        ("TVs", "tv"),
        ("potted_plant", "potted plant"),
        ("Potted-Plants", "potted plant"),
        ("dining   table", "dining table"),
    ],
)
def test_words_that_people_use(word, name):
    assert meant(SMALL, word) == meant(COCO, word) == {name}


def refused(labels: Labels, word: str) -> CutError:
    with pytest.raises(CutError) as caught:
        labels.resolve([word])
    assert caught.value.code == "unknown_object"
    return caught.value


def words_in(entry: dict) -> list[str]:
    return [word for language in LANGUAGES for word in entry.get(language, [])]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("perro perros perra cachorros gos gossos Hund Hunde Welpe chien chiens 狗 小狗", "dog"),
        ("gato gatas gat gats Katze Katzen chat chats 猫 貓", "cat"),
        ("persona personas gente nens dones Leute Männer Frau gens fille 人 人們 女人", "person"),
        ("tenedor tenedores forquilla forquilles Gabel Gabeln fourchette fourchettes 叉子", "fork"),
        ("coche coches cotxe cotxes Auto Autos voiture voitures 汽车 汽車", "car"),
        ("libro libros llibre llibres Buch Bücher livre livres 书 書", "book"),
        ("tijeras tisores Schere Scheren ciseaux 剪刀", "scissors"),
        ("ratón ratones ratolí ratolins Maus Mäuse souris 鼠标 滑鼠", "mouse"),
        ("naranja naranjas taronja taronges Orange Orangen oranges 橙子", "orange"),
        ("móvil móviles mòbil mòbils Handy Handys téléphone téléphones 手机 手機", "cell phone"),
    ],
)
def test_words_of_other_languages(words, name):
    for word in words.split():
        assert meant(COCO, word) == {name}


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Löffel löffel LÖFFEL Loffel Loeffel lo\u0308ffel", "spoon"),
        ("Bär bar baer Bären Baeren BAEREN", "bear"),
        ("Kühe kuhe Kuehe", "cow"),
        ("Fußball Fussball FUSSBALL", "sports ball"),
        ("vélo velo VÉLO vélos", "bicycle"),
        ("avión avion AVIÓN", "airplane"),
        ("niño nino NIÑOS", "person"),
        ("bœufs boeufs", "cow"),
        ("ombrel·la ombrella OMBREL·LES", "umbrella"),
        ("cerf-volant cerf_volant", "kite"),
        ("\uff24\uff2f\uff27", "dog"),  # DOG in the full-width letters of a Chinese keyboard
    ],
)
def test_accents_and_case_make_no_difference(words, name):
    for word in words.split():
        assert meant(COCO, word) == {name}


@pytest.mark.parametrize("apostrophe", ["'", "\N{RIGHT SINGLE QUOTATION MARK}"])
def test_any_apostrophe(apostrophe):
    assert meant(COCO, f"bouche d{apostrophe}incendie") == {"fire hydrant"}


def test_every_class_has_words_in_every_language():
    assert set(WRITTEN["classes"]) == set(COCO.names)
    for entry in (*WRITTEN["classes"].values(), *WRITTEN["groups"].values()):
        assert all(entry.get(language) for language in LANGUAGES[1:])


def test_no_word_means_two_things():
    for name in COCO.names:
        for word in COCO.synonyms()[name]:
            if word in AMBIGUOUS:
                assert name in refused(COCO, word).details["suggestions"]
            else:
                assert meant(COCO, word) == {name}, word
        for word in WRITTEN["classes"][name]["de"]:
            spelled = word.lower().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
            assert meant(COCO, spelled) == {name}, word
    for group, entry in WRITTEN["groups"].items():
        for word in (group, *words_in(entry)):
            assert meant(COCO, word) == set(entry["classes"]), word
    for word, choices in AMBIGUOUS.items():
        assert refused(COCO, word).details["suggestions"] == choices


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("animal animals animales Tiere animaux 动物 動物", ANIMALS),
        ("cutlery silverware cubiertos coberts Besteck couverts 餐具", CUTLERY),
        ("fruit fruits fruta fruites Obst Früchte 水果", FRUITS),
        ("furniture muebles mobles Möbel moebel meubles 家具", FURNITURE),
        ("pets mascotas Haustiere 宠物", {"cat", "dog"}),
        ("vegetables verduras Gemüse légumes 蔬菜", {"broccoli", "carrot"}),
    ],
)
def test_a_group_means_all_of_its_classes(words, names):
    for word in words.split():
        assert meant(COCO, word) == names


def test_a_group_means_what_the_model_knows_of_it():
    assert meant(SMALL, "Tiere") == ANIMALS & set(SMALL.names)
    assert meant(SMALL, "vehicles", "cat") >= {"car", "boat", "cat"}
    error = refused(SMALL, "cutlery")
    assert error.message.startswith("The model that runs here does not know 'cutlery'")
    assert error.details == {"name": "cutlery", "suggestions": [], "reason": "other_model"}


@pytest.mark.parametrize(
    ("word", "message", "choices"),
    [
        ("bag", "'bag' can mean 'handbag', 'backpack' or 'suitcase': say which.", ["handbag", "backpack", "suitcase"]),
        ("Glasses", "'glasses' can mean 'wine glass' or 'cup': say which.", ["wine glass", "cup"]),
        ("Gläser", "'gläser' can mean 'wine glass' or 'cup': say which.", ["wine glass", "cup"]),
        (
            "tablas",
            "'tablas' can mean 'surfboard', 'skateboard' or 'snowboard'",
            ["surfboard", "skateboard", "snowboard"],
        ),
        ("dona", "'dona' can mean 'person' or 'donut'", ["person", "donut"]),
        ("滑雪板", "'滑雪板' can mean 'skis' or 'snowboard'", ["skis", "snowboard"]),
    ],
)
def test_an_ambiguous_word_asks_which(word, message, choices):
    error = refused(COCO, word)
    assert error.message.startswith(message)
    assert error.details == {"name": word.lower(), "suggestions": choices, "reason": "ambiguous"}


def test_an_ambiguous_word_means_what_the_model_knows_of_it():
    assert meant(SMALL, "dona") == {"person"}
    assert meant(Labels.of(["__background__", "backpack", "cat"]), "bags") == {"backpack"}
    assert refused(Labels.of(["__background__", "cup", "suitcase", "handbag"]), "bag").details["suggestions"] == [
        "handbag",
        "suitcase",
    ]
    assert refused(SMALL, "bag").message.startswith("The model that runs here does not know 'bag'")


def test_a_class_wins_over_what_its_name_means_elsewhere():
    labels = Labels.of(["__background__", "bag", "backpack", "suitcase", "animal", "cat", "kitten", "Baum"])
    assert meant(labels, "bag") == meant(labels, "Bags") == {"bag"}
    assert meant(labels, "animals") == {"animal"}
    assert meant(labels, "kittens") == {"kitten"}
    assert meant(labels, "baum") == {"Baum"}


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("knives", "knife"),
        ("mice", "mouse"),
        ("wine glasses", "wine glass"),
        ("benches", "bench"),
        ("phone", "cell phone"),
        ("hot dog", "hot dog"),
        ("polar bear", "bear"),
    ],
)
def test_words_for_what_only_the_full_model_knows(word, name):
    assert meant(COCO, word) == {name}
    with pytest.raises(CutError, match=f"The model that runs here does not know '{word}'") as caught:
        SMALL.resolve([word])
    assert caught.value.code == "unknown_object"
    assert caught.value.details == {"name": word, "suggestions": [], "reason": "other_model"}


def test_every_class_is_found_by_its_own_name():
    assert len(COCO.names) == 80
    assert len(SMALL.names) == 21
    for labels in (COCO, SMALL):
        for name in labels.names:
            assert meant(labels, name) == {name}


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("the cat", {"cat"}),
        ("A black cat", {"cat"}),
        ("my big white dogs", {"dog"}),
        ("an orange cat", {"cat"}),
        ("cat dog", {"cat", "dog"}),
        ("the cat and the dog", {"cat", "dog"}),
        ("old potted plant", {"potted plant"}),
        ("bird dining table cat", {"bird", "dining table", "cat"}),
        ("un gato negro", {"cat"}),
        ("el perro y el gato", {"cat", "dog"}),
        ("der große Hund", {"dog"}),
        ("les chiens noirs", {"dog"}),
    ],
)
def test_names_among_other_words(typed, names):
    assert meant(SMALL, typed) == meant(COCO, typed) == names


@pytest.mark.parametrize("typed", ["cat biscuit", "the", "black", "a the", "cat " * 30, "xyzzy cat"])
def test_words_that_are_not_all_known_are_no_name(typed):
    assert refused(SMALL, typed).details["reason"] == "no_such_name"


def test_a_name_of_several_words_is_not_split():
    assert meant(COCO, "hot dog") == meant(COCO, "a hot dog") == {"hot dog"}
    assert meant(COCO, "orange", "apple orange") == {"apple", "orange"}
    error = refused(SMALL, "the hot dog")
    assert error.details == {"name": "the hot dog", "suggestions": [], "reason": "other_model"}
    assert "the full one does" in error.message


def test_a_misspelt_name_among_other_words_suggests_the_nearest():
    assert refused(SMALL, "the black kat").details["suggestions"] == ["cat"]


def test_words_beside_names_are_no_names_but_a_fruit_and_the_german_boy():
    beside = {word for words in WRITTEN["beside"].values() for word in words}
    assert {word for word in beside if word.casefold() in COCO.words} == {"orange", "junge"}
    assert meant(SMALL, "eine junge Katze") == {"cat"}
    assert meant(SMALL, "der Junge") == {"person"}


@given(st.lists(st.text() | st.text("acdgot s-_'", max_size=8), max_size=3))
def test_any_words_mean_classes_or_are_refused(words: list[str]):
    with suppress(CutError):
        assert meant(SMALL, *words) <= set(SMALL.names)


def test_several_names_are_a_set():
    assert meant(SMALL, "dog", "puppy", "cats") == {"dog", "cat"}


@pytest.mark.parametrize(
    "words",
    [[], ["*"], ["all"], ["Everything"], ["cat", "*"], ["TODO"], ["tots"], ["alles"], ["tout"], ["全部"], ["所有"]],
)
def test_every_object(words):
    assert meant(SMALL, *words) == set(SMALL.names)


def test_an_unlisted_class_cannot_be_asked_for_and_is_none_of_every_object():
    labels = Labels.of(SMALL_CLASSES, ["bicycle", "sheep"])
    assert len(labels.names) == len(SMALL.names) - 2
    assert meant(labels, "*") == set(labels.names)
    assert meant(labels, "vehicles") == {"car", "motorcycle", "airplane", "bus", "train", "boat"}
    assert refused(labels, "bike").details["reason"] == "other_model"


@pytest.mark.parametrize(
    ("word", "suggestions"),
    [
        ("kat", ["cat"]),
        ("dgo", ["dog"]),
        ("dogg", ["dog"]),
        ("persn", ["person"]),
        ("perrro", ["dog"]),
        ("animla", ["animal"]),
        ("qwxyz", []),
        ("", []),
        ("__background__", []),
    ],
)
def test_an_unknown_name_suggests_the_nearest(word, suggestions):
    with pytest.raises(CutError) as caught:
        SMALL.resolve(["cat", word])
    assert caught.value.code == "unknown_object"
    assert caught.value.details["suggestions"] == suggestions
    assert caught.value.details["reason"] == "no_such_name"
    if suggestions:
        assert caught.value.message == f"No class is called '{word}'. Did you mean '{suggestions[0]}'?"
    else:
        assert "/labels lists" in caught.value.message


def test_a_nearly_ambiguous_word_suggests_its_choices():
    assert refused(COCO, "glas s").details["suggestions"] == ["wine glass", "cup"]


def test_the_name_in_an_error_keeps_its_accents():
    assert refused(COCO, " Árbol_Verde ").details["name"] == "árbol verde"


def test_placeholders_are_no_classes():
    assert {"__background__", "N/A"}.isdisjoint(COCO.names)
    with pytest.raises(CutError):
        COCO.resolve(["N/A"])


def test_synonyms_are_those_of_the_models_own_classes():
    assert set(SMALL.synonyms()) == set(SMALL.names)
    assert SMALL.synonyms()["person"][:2] == ["people", "human"]
    assert {"people", "persona", "Leute", "人", "dona"} <= set(SMALL.synonyms()["person"])
    assert {"bag", "Tasche"} <= set(COCO.synonyms()["handbag"]) & set(COCO.synonyms()["backpack"])


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", {"cat": "cat", "dining table": "dining table", "fruit": "fruit"}),
        ("es", {"cat": "gato", "person": "persona", "scissors": "tijeras", "skis": "esquís", "vehicle": "vehículo"}),
        ("ca", {"cat": "gat", "dining table": "taula"}),
        ("de", {"cat": "Katze", "bear": "Bär", "fruit": "Obst"}),
        ("fr", {"cat": "chat", "cow": "vache"}),
        ("zh", {"cat": "猫", "person": "人"}),
    ],
)
def test_the_usual_word_for_a_class_in_each_language(language, words):
    told = COCO.translated()
    assert set(told) == set(LANGUAGES)
    assert words.items() <= told[language].items()
    assert set(COCO.names) <= set(told[language])


def test_what_a_class_is_called_is_understood():
    groups = WRITTEN["groups"]
    for labels in (SMALL, COCO):
        for words in labels.translated().values():
            for name, word in words.items():
                members = groups[name]["classes"] if name in groups else [name]
                assert meant(labels, word) == set(members) & set(labels.names)


def test_a_class_without_a_word_of_its_own_is_called_by_its_name():
    labels = Labels.of(["__background__", "pump", "dog", "cat", "gato"])
    assert labels.translated()["es"] == {"dog": "perro", "animal": "animal", "pet": "mascota"}
