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
    "clothes": "cloth",
    "hair": "hair",
    "hat": "hat",
    "face": "skin l_brow r_brow l_eye r_eye eyeglass eye_g nose mouth u_lip l_lip",
}

_SCENE: dict[str, str] = {
    "building": "building; house; skyscraper; hovel",
    "tower": "tower",
    "door": "door; screen door",
    "window": "windowpane; window",
    "stairs": "stairs; stairway; step; escalator",
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
    "fence": "fence; railing; bannister",
    "column": "column; pillar",
    "awning": "awning; canopy",
    "sculpture": "sculpture",
    "fountain": "fountain",
    "flag": "flag",
    "clock": "clock",
    "sign": "signboard; trade name",
    "pole": "pole",
    "streetlight": "streetlight",
    "grandstand": "grandstand",
    "tent": "tent",
    "pier": "pier",
    "bicycle": "bicycle",
    "motorcycle": "minibike",
    "airplane": "airplane",
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
    "background": """background; backdrop; surroundings; scenery; setting; environment; bg; behind
        the person; behind the face; studio wall; wall; wallpaper; brick wall; bokeh; green screen;
        outdoors; outside; indoors; in nature; in the landscape; at the beach; by the sea; by the
        ocean; by a lake; by the river; by the water; in a forest; in the woods; in the jungle; in
        the mountains; in the desert; in a park; in a garden; in a meadow; in a field; in the city;
        under the skyline; on the street; in a house; in a building; in an office; in a library; in
        a classroom; in a school; in a kitchen; in a bedroom; in a room; in a living room; in a
        cafe; in a restaurant; in a bar; in a shop; in a church; in a hospital; in a gym; in a
        stadium; on a stage; under the sky; under the clouds; under the trees; behind the curtain;
        in a crowd""",
    "skin": """skin; complexion; skin tone; skin color; tan; tanned; suntan; suntanned; sunburn;
        sunburnt; pale; pallid; pallor; pasty; fair skinned; light skinned; dark skinned; olive
        skinned; freckles; freckled; wrinkles; wrinkly; cheeks; cheekbones; chin; double chin; chin
        cleft; forehead; jaw; jawline; temples; dimples; blush; blushing; scar; scarred; acne;
        pimples; zits; rash; blemishes; blemish; spots; mole; birthmark; beauty spot; beauty mark;
        pores; vitiligo; albino; melanin; tattoo; makeup on the cheeks; foundation; rosy; chubby
        cheeks; beard; bearded; beardless; stubble; stubbly; moustache; goatee; facial hair;
        sideburns; whiskers; shaved; clean shaved; unshaved; five o clock shadow; soul patch;
        chinstrap; mutton chops; bristles; hairy chin; hairy cheeks; smooth chin; smooth cheeks;
        hair on the chin; hair on the lip; hair on the upper lip; hair on the cheeks; fuzz on the
        chin; skincare; razor""",
    "brows": """eyebrows; eyebrow; brows; brow; unibrow; monobrow; frown; frowning; angry; anger;
        furious; rage; enraged; irate; mad; livid; fuming; annoyed; irritated; outraged; hostile;
        aggressive; fierce; menacing; glare; glower; scowl; grumpy; cranky; stern; worried; worry;
        concerned; anxious; nervous; uneasy; troubled; distressed; stressed; tense; skeptical;
        sceptical; doubtful; puzzled; confused; perplexed; quizzical; furrowed; arched brows; bushy
        eyebrows; bad tempered""",
    "eyes": """eyes; eye; gaze; gazing; glance; eyelids; lids; eyelashes; lashes; pupils; iris; eye
        color; eyeshadow; eye makeup; eyeliner; mascara; kohl; wink; squint; stare; peering; blink;
        sleepy; drowsy; tired; exhausted; asleep; awake; sleep; sleeping; nap; dozing; crying;
        tears; tearful; weeping; sobbing; wide eyed; cross eyed; one eyed; blue eyed; doe eyed; bags
        under the eyes; dark circles; crow's feet; eyeballs; eyeball; blind; lovestruck; look
        sideways; at the camera; at the viewer; to the side; bloodshot""",
    "glasses": """glasses; sunglasses; eyeglasses; spectacles; eyewear; shades; goggles; frames;
        lenses; rims; rimmed; monocle; bespectacled; aviators; wayfarers; bifocals; pince nez;
        reading glasses; eyeglass; specs; sunnies; nerdy; nerd; eyepatch; eye patch; patch over the
        eye; blindfold""",
    "ears": "ears; ear; earlobes; earlobe; elf ears; pointed ears; ear shape",
    "earrings": """earrings; earring; ear studs; studs; hoops; hoop; ear piercing; ear jewelry; ear
        cuffs; ear pendants; drops in the ears; jewels in the ears""",
    "nose": """nose; nostrils; nostril; nose job; nose ring; nose piercing; nosed; nasal; snub;
        bridge of the nose; tip of the nose""",
    "mouth": """mouth; mouthed; smile; smiling; smiley; grin; smirk; sneer; laugh; laughing;
        laughter; chuckle; giggle; teeth; tooth; toothy; gums; fangs; tongue; open mouth; agape; jaw
        dropped; scream; shouting; yelling; howl; shriek; roar; pout; sulking; sulky; grimace;
        snarl; happy; happiness; cheerful; joyful; joy; joyous; jolly; merry; glad; delighted;
        overjoyed; ecstatic; gleeful; amused; excited; beaming; content; friendly; sad; sadness;
        unhappy; gloomy; glum; miserable; depressed; melancholy; downcast; dejected; heartbroken;
        sorrowful; upset; disappointed; bored; yawn; kiss; talking; speaking; speech; singing;
        whistling; whistle; eating; chewing; biting; licking; drinking; braces; serious;
        expressionless; deadpan; poker face; poker faced; good mood; bad mood; frown on the lips""",
    "lips": """lips; lip; upper lip; lower lip; lipstick; lip gloss; lip balm; lip filler; cupid's
        bow; full lips; lipped""",
    "neck": "neck; throat; nape; adam's apple; neck tattoo; necked",
    "necklace": """necklace; necklaces; pendant; choker; chain; locket; amulet; medallion; pearls;
        beads; string of pearls; chain around the neck; jewelry around the neck""",
    "clothes": """clothes; clothing; clothed; shirt; t shirt; tshirt; tee; top; suit; tuxedo;
        jacket; blazer; coat; raincoat; trench coat; parka; anorak; cardigan; dress; gown; sweater;
        sweatshirt; pullover; jumper; hoodie; hoody; blouse; polo; tank top; crop top; vest;
        waistcoat; uniform; lab coat; armor; robe; bathrobe; cape; cloak; toga; tunic; sari; kimono;
        poncho; overalls; dungarees; apron; pajamas; pyjamas; swimsuit; bikini; tracksuit; jersey;
        collar; lapel; neckline; sleeves; sleeveless; buttons; tie; necktie; bow tie; scarf; shawl;
        outfit; costume; turtleneck; v neck; crew neck; attire; garment; wardrobe; fashion; denim;
        leather; knitwear; plaid; dressed; clad; formal; formally; casual; casually; formal wear;
        workwear; sportswear; shoulder pads; epaulettes""",
    "hair": """hair; hairs; haired; hairless; hairstyle; haircut; hairdo; coiffure; curls; curly;
        ringlets; wavy; waves; bald; balding; baldness; scalp; bangs; fringe; quiff; pompadour;
        ponytail; pigtails; braids; plaits; cornrows; bun; topknot; chignon; bob; bob cut; afro;
        dreadlocks; dreads; locs; mohawk; mohican; mullet; buzz cut; buzzcut; crew cut; pixie cut;
        pixie; bowl cut; undercut; fade cut; flat top; hi top fade; comb over; blond; blonde;
        platinum; brunette; redhead; redheaded; ginger; dyed; bleached; highlights; gray; graying;
        strands; hairline; widow's peak; receding; perm; permed; updo; locks; tresses; mane; wig;
        toupee; parting; spikes; spiky; frizzy; shaggy; messy; tousled; unkempt; disheveled;
        straightened; combed; hair dye; hair color; shaved head; shaved sides; cut short; skinhead;
        tuft; cowlick; hairdresser; barber""",
    "hat": """hat; hats; cap; beanie; helmet; crown; turban; hood; headscarf; hijab; niqab; beret;
        bandana; headband; fedora; sombrero; stetson; trilby; boater; fez; bowler; top hat; cowboy
        hat; cowboy; straw hat; santa hat; santa; headgear; headwear; headdress; headpiece; tiara;
        diadem; wreath; veil; bonnet; visor; brim; brimmed; sunhat; balaclava; kippah; ushanka;
        earflaps; ear flaps; mitre; head covering; head wrap; hatless; bareheaded; bare head;
        mortarboard; graduation cap; knit cap""",
    "face": """face; faced; faces; facial features; expression; facial expression; emotion; mood;
        visage; surprised; surprise; astonished; astonishment; amazed; amazement; stunned; startled;
        shocked; shock; bewildered; afraid; scared; frightened; terrified; horrified; horror; panic;
        fear; terror; disgusted; disgust; neutral expression; blank expression; makeup; face paint;
        face mask; mask; face shape; facelift; face lift; plastic surgery""",
    "building": """building; house; facade; church; cathedral; chapel; basilica; abbey; monastery;
        minster; mosque; synagogue; pagoda; shrine; castle; palace; mansion; villa; cottage;
        skyscraper; temple; architecture; brick; walls of the building; stone of the building; wood
        of the building; timber of the building; paint of the building; plaster; roof; roofed; roof
        of the building; gable; chimney; spire; dome; cupola; hut; cabin; shed; barn; stable;
        garage; farmhouse; farm; warehouse; factory; shop; hotel; town; village; ruins; porch;
        balcony; buttress; scaffolding""",
    "tower": """tower; towers; bell tower; clock tower; church tower; steeple; turret; belfry;
        campanile; minaret; lighthouse""",
    "door": "door; doors; doorway; entrance; gate; portal; doorstep; archway; porchway",
    "window": """window; windows; windowpane; panes; stained glass; stained glass window; shutters;
        skylight""",
    "stairs": "stairs; staircase; steps; stairway; stair; stairwell",
    "sky": """sky; skies; clouds; cloud; cloudy; cloudless; sunset; sunrise; sundown; dusk; dawn;
        twilight; stars; starry; starlit; moon; moonlit; sun; overcast; stormy; thunderstorm;
        lightning; rainbow; aurora; northern lights; horizon; milky way; fireworks""",
    "tree": """tree; trees; forest; woods; woodland; grove; orchard; jungle; palm; palms; pine;
        pines; oak; oaks; fir; spruce; birch; willow; cypress; maple; leaves; leafless; foliage;
        autumn leaves; branches; cherry blossom; cherry blossoms; treetops; tree trunk""",
    "grass": "grass; grassy; lawn; meadow; turf; grassland; green ground",
    "field": """field; fields; farmland; crops; pasture; paddock; wheat; corn; prairie; steppe;
        countryside""",
    "plant": """plant; plants; flower; flowers; flowery; flowerbed; bush; bushes; shrub; hedge;
        hedges; ivy; vines; blossoms; roses; tulips; sunflowers; ferns; vegetation; garden""",
    "mountain": """mountain; mountains; mountainous; hill; hills; hilly; peak; cliff; summit;
        volcano; alps; ridge; canyon""",
    "rock": "rock; rocks; rocky; stone; stones; boulder; boulders; pebbles",
    "ground": """ground; earth; soil; dirt; sand; sandy; land; mud; muddy; desert; dunes; beach;
        gravel; dust; dusty; snow; snowy ground; arena""",
    "water": """water; sea; ocean; river; stream; creek; lake; pond; waves; pool; puddle; puddles;
        flood; flooded; coast; bay; shore; waterfall; reflection""",
    "road": """road; roads; street; avenue; alley; path; lane; trail; dirt road; asphalt; tarmac;
        highway; motorway; driveway; pavement of the road; track; racetrack; racecourse; race track;
        cobblestones; cobbled; crossroads; intersection; crosswalk; car park; parking space;
        traffic""",
    "sidewalk": "sidewalk; pavement; footpath; walkway; curb",
    "car": """car; cars; vehicle; automobile; truck; lorry; van; minivan; bus; taxi; cab;
        limousine; convertible; cabriolet; roadster; coupe; hatchback; sports car; race car; racing
        car; supercar; pickup; pickup truck; jeep; suv; sedan; ambulance; ferrari; porsche;
        lamborghini; bmw; mercedes; audi; tesla; volkswagen; wheels; wheel; hubcaps; bumper; fender;
        headlights; headlight; taillights; brake lights; hood of the car; bonnet of the car; trunk
        of the car; boot of the car; door of the car; window of the car; roof of the car; sunroof;
        windshield; windscreen; mirror of the car; seat of the car; interior of the car; paint of
        the car; stripe of the car; sticker of the car; flames of the car; logo of the car; body of
        the car; handle of the car; bodywork; tires; tire; rims; spoiler; grille; exhaust; license
        plate; number plate; dent of the car; dented; scratch of the car; rust; rusty; luggage rack;
        engine; antenna""",
    "boat": "boat; boats; ship; ships; sail; sailboat; yacht; canoe",
    "bridge": "bridge; bridges; viaduct; overpass",
    "fence": """fence; fences; railing; railings; banister; handrail; barrier; palisade; picket;
        barbed wire; hurdle""",
    "column": "column; columns; pillar; pillars; colonnade",
    "awning": "awning; awnings; canopy; marquee",
    "sculpture": "sculpture; sculptures; statue; statues; monument; bust",
    "fountain": "fountain; fountains",
    "flag": "flag; flags; banner; banners; pennant",
    "clock": "clock; clocks; clock face; sundial",
    "sign": "sign; signs; signboard; signpost; billboard; advertisement; lettering; shop sign",
    "pole": "pole; poles; mast; flagpole; telegraph pole",
    "streetlight": "streetlight; streetlights; street lamp; street light; lamppost; lamp post",
    "grandstand": "grandstand; bleachers; tribune",
    "tent": "tent; tents; tepee",
    "pier": "pier; jetty; dock; wharf",
    "bicycle": "bicycle; bicycles; bike",
    "motorcycle": "motorcycle; motorcycles; motorbike; scooter; moped",
    "airplane": "airplane; airplanes; plane; aircraft; jet",
    "wall": """wall; walls; wallpaper; paneling; painted wall; wall color; wall around the
        building; wall around the church""",
    "floor": "floor; floors; parquet; tiles; tiled; wooden floor; floorboards",
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
    "mirror": "mirror; mirrors",
    "fireplace": "fireplace; hearth; mantel; chimney breast",
    "person": """person; people; man; woman; boy; girl; child; children; kid; baby; guy; lady;
        family; couple; crowd; pedestrian; pedestrians; passer by; tourists; visitors; spectators;
        worshippers; rider; riders; jockey; horseman; cowboy; knight; cyclist; driver; passenger;
        priest; monk; nun; bride; groom; soldier; farmer; policeman; someone; somebody; nobody""",
    "animal": """animal; animals; horse; horses; pony; foal; colt; mare; stallion; pinto; donkey;
        mule; zebra; dog; cat; cow; bull; sheep; goat; deer; camel; elephant; lion; bird; fur;
        furry; mane; tail; legs; hind legs; hoof; hooves; paws; wings; beak; feathers; snout;
        muzzle; whiskers; antlers; horns; saddle; saddled; bridle; reins; halter; harness; ears of
        the animal; head of the animal; neck of the animal; eyes of the animal; mouth of the animal;
        nose of the animal; forehead of the animal; blaze; nostrils of the animal; teeth of the
        animal; back of the animal; belly of the animal; body of the animal; coat of the animal;
        hair of the animal; skin of the animal; spots of the animal; stripes of the animal; socks of
        the animal""",
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
