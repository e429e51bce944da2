"""Regions in a person's words, for the labels that public segmentation networks were trained on.

Networks name the same part differently ("eye_g", "eyeglass"), split what people see as one thing
(left and right eye) and have labels nobody would type ("windowpane"). PARTS unites them; VOCABULARY
holds the words by which a prompt's region is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eclipsed.errors import UnknownName

_FACE: dict[str, str] = {
    "background": "background",
    "skin": "skin",
    "brows": "l_brow r_brow",
    "eyes": "l_eye r_eye",
    "glasses": "eyeglass eye_g",
    "ears": "l_ear r_ear",
    "earrings": "earrings ear_r",
    "nose": "nose",
    # A closed mouth has no pixels but its lips.
    "mouth": "mouth u_lip l_lip",
    "lips": "u_lip l_lip",
    "neck": "neck",
    "necklace": "necklace neck_l",
    "clothes": "cloth apparel",
    "hair": "hair",
    "hat": "hat",
    "face": "skin l_brow r_brow l_eye r_eye eyeglass eye_g nose mouth u_lip l_lip",
}

_SCENE: dict[str, str] = {
    "building": "building; house; skyscraper; hovel",
    "tower": "tower",
    "door": "door; screen door",
    "window": "windowpane; window",
    "stairs": "stairs; stairway; step",
    "sky": "sky",
    "tree": "tree; palm",
    "grass": "grass",
    "field": "field",
    "plant": "plant; flower",
    "mountain": "mountain; hill",
    "rock": "rock",
    "ground": "earth; land; sand; dirt track",
    "water": "water; sea; river; lake; waterfall; swimming pool",
    "road": "road; path; runway",
    "sidewalk": "sidewalk",
    "car": "car; van; truck; bus",
    "boat": "boat; ship",
    "bridge": "bridge",
    "fence": "fence; railing",
    "column": "column; pillar",
    "awning": "awning; canopy",
    "wall": "wall",
    "floor": "floor",
    "ceiling": "ceiling",
    "bed": "bed; cradle",
    "pillow": "pillow; cushion",
    "blanket": "blanket",
    "curtain": "curtain; blind",
    "lamp": "lamp; chandelier; light; sconce",
    "rug": "rug",
    "sofa": "sofa",
    "chair": "chair; armchair; swivel chair; stool; seat; bench; ottoman",
    "table": "table; desk; coffee table; pool table; counter; countertop",
    "cabinet": "cabinet; wardrobe; chest of drawers; bookcase; shelf; buffet",
    "painting": "painting; poster",
    "mirror": "mirror",
    "fireplace": "fireplace",
    "person": "person",
    "animal": "animal",
}

# Region → the labels that it unites; a label may belong to several regions.
PARTS: dict[str, frozenset[str]] = {
    **{region: frozenset(labels.split()) for region, labels in _FACE.items()},
    **{region: frozenset(labels.split("; ")) for region, labels in _SCENE.items()},
}

_WORDS: dict[str, str] = {
    "background": """background; backdrop; surroundings; scenery; setting; behind the person;
        what is behind; studio wall; bokeh""",
    "skin": """skin; complexion; skin tone; skin color; tan; tanned; suntan; pale; freckles;
        wrinkles; cheeks; cheekbones; chin; double chin; forehead; jaw; jawline; dimples; blush;
        scar; acne; pimples; mole; makeup on the cheeks; beard; bearded; stubble; moustache;
        goatee; facial hair; sideburns; shaved; clean shaved; rosy; chubby""",
    "brows": """eyebrows; eyebrow; brows; brow; unibrow; monobrow; frown; frowning; angry; anger;
        furious; scowl; worried; skeptical; furrowed; arched brows; bushy eyebrows""",
    "eyes": """eyes; eye; gaze; eyelids; eyelashes; lashes; pupils; iris; eye color; eyeshadow;
        eyeliner; mascara; wink; squint; stare; blink; sleepy; tired; asleep; crying; tears;
        wide eyed; cross eyed; bags under the eyes; dark circles; blue eyed; eyeballs""",
    "glasses": """glasses; sunglasses; eyeglasses; spectacles; eyewear; shades; goggles; frames;
        lenses; monocle; bespectacled; aviators; reading glasses; eyeglass; specs""",
    "ears": "ears; ear; earlobes; earlobe; elf ears; pointed ears",
    "earrings": "earrings; earring; ear studs; hoops; ear piercing; ear jewelry",
    "nose": "nose; nostrils; nostril; nose job; nose ring; snub; bridge of the nose",
    "mouth": """mouth; smile; smiling; grin; laugh; laughing; teeth; tooth; tongue; open mouth;
        scream; shouting; yelling; pout; grimace; happy; cheerful; joyful; sad; unhappy; yawn;
        kiss; talking; singing; braces; smirk; sneer; serious; expressionless""",
    "lips": "lips; lip; upper lip; lower lip; lipstick; lip gloss; full lips; lip filler",
    "neck": "neck; throat; nape; adam's apple; neck tattoo",
    "necklace": "necklace; pendant; choker; chain around the neck; locket; pearls",
    "clothes": """clothes; clothing; shirt; t shirt; suit; jacket; coat; dress; sweater; hoodie;
        blouse; uniform; collar; tie; bow tie; scarf; outfit; top; vest; costume; turtleneck;
        dressed; formal; casual; attire; garment; fashion""",
    "hair": """hair; haired; hairstyle; haircut; hairdo; curls; curly; wavy; bald; baldness; bangs;
        fringe; ponytail; braids; pigtails; bun; bob; bob cut; afro; dreadlocks; mohawk; mullet;
        buzz cut; pixie cut; bowl cut; undercut; blond; blonde; brunette; redhead; ginger; dyed;
        gray; strands; hairline; receding; perm; updo; locks; wig; hi top fade""",
    "hat": """hat; cap; beanie; helmet; crown; turban; hood; headscarf; hijab; beret; bandana;
        headband; fedora; cowboy hat; straw hat; headgear; headwear; tiara; veil; bonnet""",
    "face": """face; facial features; expression; facial expression; surprised; surprise;
        astonished; shocked; afraid; scared; disgusted; makeup; face paint; look on the face""",
    "building": """building; house; facade; church; cathedral; castle; palace; skyscraper; temple;
        architecture; brick; walls of the building; roof; spire; dome; hut; barn""",
    "tower": "tower; bell tower; steeple; turret; belfry; minaret; lighthouse",
    "door": "door; doors; doorway; entrance; gate; portal; doorstep; archway",
    "window": "window; windows; windowpane; panes; stained glass; shutters; skylight",
    "stairs": "stairs; staircase; steps; stairway; stair; escalator",
    "sky": """sky; skies; clouds; cloud; cloudy; sunset; sunrise; stars; moon; overcast; blue sky;
        storm clouds; rainbow; aurora; horizon; dusk; dawn""",
    "tree": "tree; trees; forest; palm; palms; pine; leaves; foliage; autumn leaves; branches",
    "grass": "grass; lawn; meadow; turf; green ground",
    "field": "field; fields; farmland; crops; pasture; wheat; prairie",
    "plant": "plant; plants; flower; flowers; bush; bushes; shrub; hedge; ivy; blossoms",
    "mountain": "mountain; mountains; hill; hills; peak; cliff; summit; volcano",
    "rock": "rock; rocks; stone; stones; boulder; boulders",
    "ground": "ground; earth; soil; dirt; sand; land; mud; desert",
    "water": "water; sea; ocean; river; lake; pond; waves; pool; waterfall; reflection",
    "road": "road; street; path; lane; asphalt; highway; driveway; pavement of the road; track",
    "sidewalk": "sidewalk; pavement; footpath; curb",
    "car": """car; cars; vehicle; automobile; truck; van; bus; taxi; convertible; sports car;
        pickup; jeep; sedan; wheels; wheel; bumper; headlights; hood of the car; windshield; tires;
        rims""",
    "boat": "boat; boats; ship; ships; sail; sailboat; yacht; canoe",
    "bridge": "bridge; bridges; viaduct; overpass",
    "fence": "fence; fences; railing; railings; barrier; palisade",
    "column": "column; columns; pillar; pillars; colonnade",
    "awning": "awning; awnings; canopy; marquee",
    "wall": "wall; walls; wallpaper; paneling; painted wall; wall color",
    "floor": "floor; floors; parquet; tiles; tiled; wooden floor; carpeted; floorboards",
    "ceiling": "ceiling; ceilings; beams; rafters; vault",
    "bed": "bed; beds; mattress; headboard; bedding; bunk; four poster; bedsheets; duvet; sheets",
    "pillow": "pillow; pillows; cushion; cushions; bolster",
    "blanket": "blanket; blankets; throw; quilt; bedspread",
    "curtain": "curtain; curtains; drapes; blinds; blind; drapery",
    "lamp": "lamp; lamps; chandelier; lantern; lampshade; light fixture; bulb; sconce",
    "rug": "rug; rugs; carpet; mat",
    "sofa": "sofa; sofas; couch; settee; loveseat",
    "chair": "chair; chairs; armchair; stool; bench; seat; seats; recliner",
    "table": "table; tables; desk; nightstand; bedside table; countertop; coffee table",
    "cabinet": "cabinet; wardrobe; cupboard; dresser; shelf; shelves; bookcase; drawers; closet",
    "painting": "painting; paintings; picture on the wall; poster; artwork; framed picture",
    "mirror": "mirror; mirrors; looking glass",
    "fireplace": "fireplace; hearth; mantel; chimney breast",
    "person": "person; people; man; woman; child; crowd; pedestrian; rider",
    "animal": "animal; animals; horse; dog; cat; cow; sheep; bird; fur; mane; tail; legs",
}

VOCABULARY: dict[str, tuple[str, ...]] = {
    region: tuple(" ".join(word.split()) for word in words.split(";"))
    for region, words in _WORDS.items()
}


def vocabulary_for(regions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Region → words that mean it; a region that is not known is meant by its own name."""
    return {region: VOCABULARY.get(region, (region.replace("_", " "),)) for region in regions}


def _synonyms(label: str) -> list[str]:
    """ "Door;double;door" or "bed " as the plain names that one label goes by."""
    parts = label.lower().replace(";", ",").split(",")
    return [" ".join(part.split()) for part in parts if part.strip()] or ["unnamed"]


def group_labels(labels: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Region → the numbers of the labels that make it up.

    labels: a network's, in the order of its outputs; synonyms separated by commas or semicolons.
    Labels that no region of PARTS unites are regions of their own, under their first name.
    """
    names = [_synonyms(label) for label in labels]
    groups: dict[str, tuple[int, ...]] = {}
    for region, members in PARTS.items():
        found = tuple(n for n, known in enumerate(names) if not members.isdisjoint(known))
        if found:
            groups[region] = found
    united = {number for numbers in groups.values() for number in numbers}
    for number, known in enumerate(names):
        if number not in united:
            groups[known[0]] = (*groups.get(known[0], ()), number)
    return groups


def label_numbers(
    regions: Sequence[str], groups: Mapping[str, Sequence[int]], *, segmenter: str
) -> list[int]:
    """The numbers of all labels of some regions; UnknownName for a region that does not exist."""
    for region in regions:
        if region not in groups:
            raise UnknownName(
                f"The segmenter '{segmenter}' has no region '{region}'.",
                f"Choose from {', '.join(groups)}.",
            )
    return sorted({number for region in regions for number in groups[region]})
