"""Words for the starter world's regions, from which a prompt's region is chosen.

They are ordinary words for parts and what is done with them, not a list of what the generator can
do; prompts nobody thought of are matched by meaning.
"""

from __future__ import annotations

from eclipsed.worlds.starter.attributes import REGIONS

_WORDS: dict[str, str] = {
    "background": """
        background; backdrop; wall; scenery; what is behind; surroundings; backing color;
        environment; wallpaper; curtain; horizon; setting; landscape behind; sky behind; bg;
        behind the person; studio wall; blank wall; green screen; bokeh""",
    "skin": """
        skin; complexion; skin color; skin tone; tanned; tan; suntan; suntanned; freckles;
        wrinkles; nose; nostrils; ears; ear; cheeks; chin; double chin; forehead; neck; pale;
        tattoo; scar; dimples; jaw; cheekbones; blush; acne; skinned; sunburn; sunburnt; face
        paint; pimples; mole; birthmark; bronzed; olive skinned; pallid; pasty; swarthy;
        pigment; makeup on the cheeks; blushing; black skin; white skin; earrings; rosy; chubby;
        light skinned; dark skinned; melanin; pallor; zits; rash; jawline; vitiligo; albino;
        skincare; nostril; neck tattoo; facial features; sunscreen; porcelain; elf ears; nose
        job""",
    "clothes": """
        clothes; clothing; shirt; top; t shirt; tee; tshirt; hoodie; hoody; sweater; jacket;
        blazer; suit; overalls; dungarees; dress; tie; bow tie; collar; outfit; sweatshirt;
        pullover; jumper; coat; scarf; uniform; top with sleeves; dressed; garment; costume;
        attire; necktie; vest; blouse; robe; cardigan; tuxedo; polo; necklace; formal; casual;
        clad; armor; jersey; apron; waistcoat; turtleneck; wardrobe; fashion; raincoat; parka;
        kimono; hood; sleeves; tank top; knitwear; wool; denim; leather; sleeveless; straps;
        buttons; neckline; lab coat; toga; cape; bib; fabric; clothed; undershirt; singlet; crew
        neck; v neck; gown; crop top; business wear; workwear; sportswear; pinafore; jeans;
        school uniform; smartly; casually; formally; pyjamas; pajamas; swimsuit; bikini;
        underwear; trousers; pants; skirt; sari; poncho; trench coat; tracksuit; bathrobe;
        tunic; corset; belt; gloves; fleece; windbreaker; sweatpants; nightgown; anorak; plaid;
        gilet; camisole; turtle neck""",
    "mouth": """
        mouth; lips; lip; upper lip; lower lip; smile; smiling; smiley; grin; laugh; teeth;
        tooth; tongue; lipstick;
        scream; shouting; yelling; pout; grimace; happy; cheerful; joyful; sad; unhappy; glum;
        yawn; kiss; sulking; jaw dropped; open jaw; singing; talking; whistling; gloomy; jolly;
        miserable; gleeful; frown on the lips; biting; braces; serious; beaming; smirk;
        depressed; fangs; chuckle; giggle; happiness; sadness; joy; scared; terrified;
        screeching; open mouthed; glad; delighted; merry; agape; shriek; howl; laughter;
        bellowing; sneer; overjoyed; ecstatic; amused; content; melancholy; downcast;
        heartbroken; sorrowful; afraid; frightened; fear; horrified; horror; goofy; silly;
        mouthed; lip gloss; wince; cringe; snarl; deadpan; expressionless; poker face; neutral
        expression; lighthearted; upset; toothy; speaking; chewing; licking; tooth gap; jaws;
        excited; disappointed; blank expression; neutral face; emotionless; drool; eating;
        hollering; sulky; dejected; optimistic; positive mood; bad mood; good mood; mood;
        emotion; panic; speechless; dimples when smiling; mourning; feeling down; down in the
        dumps; good spirits; cracking up; hilarious; terror; bliss; bored""",
    "eyes": """
        eyes; eye; gaze; eyelids; lids; eyelashes; lashes; pupils; iris; wink; blink; squint;
        stare; sleeping; asleep; awake; surprised; surprise; astonished; shocked; amazed;
        startled; in love; love; lovestruck; sleepy; tired; hearts; eyeliner; eyeshadow; eye
        makeup; mascara; glance; crying; tears; peeking; wide eyed; cross eyed; nap; snooze;
        dozing; astonishment; eyeballs; stunned; tearful; peering; suspicious; infatuated;
        smitten; blinking; weeping; exhausted; drowsy; bags under the eyes; dark circles; eye
        color; look sideways; meditating; awestruck; one eyed; sleep; watching; blind;
        hypnotized; slumber; shock; bewildered; dazzled; closed lids; eyesight; looking at us;
        adoration; flabbergasted; gobsmacked; doe eyed; eyeball; awaken; gazing; weep; sobbing;
        peepers; wakeful; eyelash; monocular""",
    "brows": """
        eyebrows; eyebrow; brows; brow; unibrow; monobrow; frowning; frown; angry; anger;
        furious; scowl; worried; worry; mad; annoyed; anxious; concerned; irritated; glare;
        rage; glower; enraged; irate; cross; nervous; uneasy; furrowed; grumpy; stern;
        skeptical; doubtful; fuming; livid; cranky; apprehensive; troubled; distressed;
        menacing; concern; anxiety; temper; hostile; outraged; grouchy; aggressive; upset brows;
        arched brows; infuriated; bad tempered; puzzled; confused; sceptical; stressed; tense;
        mean look; evil look; fierce; forehead in anger; irritation; wrath; resentful; hatred;
        vengeful; temperamental""",
    "hair": """
        hair; hairs; haired; hairstyle; haircut; hairdo; curls; curly; locks; afro; dreadlocks;
        dreads; bald; balding; baldness; mohawk; bun; bob; ponytail; braids; pigtails; fringe;
        bangs; blond; brunette; ginger; redhead; redheaded; pixie; pixie cut; wavy; buzzcut;
        buzz cut; quiff; pompadour; perm; ringlets; crew cut; shaved head; bald head; bare
        scalp; scalp; tresses; mane; top knot; topknot; wig; cornrows; mullet; undercut;
        hairline; cut short; strands; dyed; bowl cut; spikes; updo; locs; toupee; highlights;
        mohican; bedhead; fro; shaved sides; hairless; hair color; hair dye; going gray; turning
        gray; gray; frizzy; tousled; chignon; plaits; barber; skinhead; silver fox; platinum;
        shaggy; layered; combed; brushed; side parting; side part; fade cut; flat top; man bun;
        military cut; hairdresser; straightened; curled; french braid; pageboy; comb over;
        rasta; punk; elvis; hairy head; unkempt; uncombed; disheveled; dishevelled; tangled;
        coiffure; coif; tuft; cowlick; ducktail; bouffant; spiky; bushy; crop; receding; shorn;
        clean shaven head; shaven head; smooth head;
        barbershop; thinning; permed; messy; fluffy; buzzed; tips; roots; bleached hair; tresses
        falling; bleached; curling iron; hair gel; widow's peak; ponytails; pigtail; braid;
        plait; hairstylist; trim; dreadlock; rockabilly; barrettes""",
    "beard": """
        beard; bearded; facial hair; moustache; goatee; stubble; sideburns; whiskers; shaved;
        shave; clean shaved; clean shaved chin; unshaved; beardless; chin hair; five o clock
        shadow; soul patch; hairy chin; hairy cheeks; hair on the lip; hair on the chin; smooth
        chin; shaved chin; bare chin; hairless chin; clean chin; hairy face; smooth face; razor;
        chinstrap; mutton chops; tash; stubbly; whiskered; bristles; face hair; walrus; smooth
        cheeks; hair on the face; shaven face; five day beard; whisker; hairy upper lip;
        goatees; beards; fuzz on the chin; hair above the lip; hair over the lip; hair above the
        upper lip; hair over the upper lip; hair on the upper lip; hair under the nose; hair below
        the nose; hair above the mouth; hair around the mouth; hair on the cheeks; hair on the
        jaw""",
    "glasses": """
        glasses; sunglasses; eyeglasses; spectacles; eyewear; shades; goggles; eyepatch; eye
        patch; patch; monocle; lenses; aviators; dark glasses; bespectacled; frames; pirate;
        sunnies; bifocals; contact lenses; rims; nerdy; nerd; wayfarers; eyeglass; ray bans;
        rimmed; optician; shortsighted; nearsighted; pince nez; buccaneer; eye cover; geek;
        visor glasses; blindfold; harry potter; specs; bifocal; reading glasses; optometrist;
        sun glasses; eye glasses; goggle""",
    "hat": """
        hat; cap; beanie; turban; hood up; helmet; crown; headgear; headwear; fedora; sombrero;
        bonnet; headscarf; beret; bandana; headband; ushanka; headdress; cowboy hat; cowboy;
        earflaps; ear flaps; ear flap hat; tiara; bobble hat; santa hat; santa; head wrap;
        hijab; visor; toque; panama; stetson; hatless; bareheaded; bare head; brim; head
        covering; top hat; bowler hat; veil; sikh; uncovered head; deerstalker; trapper; head
        cover; tricorne; wizard hat; straw hat; headcloth; hats; wide brimmed; turbaned; pom
        pom; knit cap; woolly cap; head dress; pirate hat; chef hat; party hat; graduation cap;
        cloth around the head; top of the head; something on the head; fez; trilby; boater;
        sunhat; balaclava; kippah; cloche; cap and gown; mitre; headpiece; busby""",
}

STARTER_VOCABULARY: dict[str, tuple[str, ...]] = {
    region: tuple(" ".join(word.split()) for word in _WORDS[region].split(";"))
    for region in REGIONS
}

# What the generator can do, in a few words each.
STARTER_WISHES: tuple[str, ...] = tuple(
    " ".join(wish.split())
    for wish in """
    curly hair; sunglasses; an open mouth; blond hair; a full beard; a beanie; a gentle smile;
    a bald head; a buzz cut; short neat hair; a mohawk; a quiff; a bun; an afro; a bob;
    dreadlocks; long straight hair; wavy hair; messy hair; a pixie cut; long hair; short hair;
    a hat; a wide-brimmed hat; a turban; a hat with ear flaps; black hair; brown hair; red hair;
    gray hair; white hair; pink hair; blue hair; a closed mouth; a toothy smile; a big laugh;
    a sad mouth; a screaming mouth; the tongue out; clenched teeth; a serious mouth;
    closed eyes; wide eyes; big eyes; heart eyes; a wink; squinting eyes; raised eyebrows;
    angry eyebrows; worried eyebrows; a unibrow; glasses; round glasses; square glasses;
    an eyepatch; no glasses; a short beard; a long beard; a moustache; no beard; a t-shirt;
    a hoodie; overalls; a blazer; a sweater with a collar; black clothes; white clothes;
    red clothes; blue clothes; green clothes; yellow clothes; pink clothes; purple clothes;
    pale skin; tanned skin; brown skin; dark skin; a red background; an orange background;
    a yellow background; a green background; a teal background; a blue background;
    a purple background; a pink background
    """.split(";")
)
