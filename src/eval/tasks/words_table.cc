// Lists of words that generated texts are made of.
#include "eval/tasks/words.h"

#include <algorithm>
#include <string_view>

namespace tome::eval {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

}  // namespace

const std::vector<std::string>& nouns() {
  static const std::vector<std::string> all = words_of(
      "acorn actor album alley almond altar anchor angel ankle antler anvil apple apron arch arena armour arrow "
      "artist ash atlas attic aunt autumn avenue axle baby bacon badge badger bakery balcony ball ballad "
      "balloon bamboo banana band bank banner barber barge bark barley barn barrel basin basket bat bath "
      "battery bay beach beacon bead beak beam bean bear beard beaver bed bee beech beetle bell belt bench "
      "berry bicycle birch bird biscuit bishop blade blanket blossom board boat bone bonnet book boot border "
      "bottle boulder bow bowl box bracelet branch bread breeze brick bridge bridle brook broom brother brush "
      "bubble bucket buckle bud buffalo bugle bulb bull bundle bus bush butcher butter butterfly button cabbage "
      "cabin cable cactus cage cake calendar calf camel camera camp canal candle cannon canoe canvas canyon cap "
      "cape captain car caravan card carpet carriage carrot cart castle cat cattle cave cedar ceiling cellar "
      "cello chain chair chalk chapel chariot cheese cherry chess chest chestnut chicken chimney chisel choir "
      "church cider cinema circle circus citadel city clarinet clay cliff clinic cloak clock cloth cloud clover "
      "coach coal coast coat cobbler coconut coffee coin collar college colt column comb comet compass concert "
      "cone convent cook copper coral cord cork corn corner cottage cotton couch council country court cousin "
      "cow crab cradle crane crate crayon cream creek crew cricket crocus cross crow crown cruiser crystal cup "
      "cupboard curtain cushion cypress dagger dairy daisy dam dance daughter deck deer desert desk dial "
      "diamond diary dinner dish ditch doctor dog doll dolphin dome donkey door dove dragon drawer dream dress "
      "drill drum duchess duck duke dust eagle ear earth east easel echo eel egg elbow elephant elm ember "
      "emerald engine envelope estate evening eye fable fabric factory fairy falcon family fan farm farmer "
      "father feast feather fence fern ferry festival fiddle field fig finch finger fire fish flag flame flask "
      "fleet flood floor flour flower flute foal fog forest forge fork fort fossil fountain fox frame friend "
      "frog frost fruit funnel fur furnace galaxy gale gallery galley game garage garden gardener garlic gate "
      "gazelle gem ghost giant ginger giraffe girdle glacier glass globe glove goat goblet gold goldfish goose "
      "gorge gown grain grandmother grape grass gravel grove guard guest guitar gull gutter hail hair hall "
      "hammer hammock hand handle harbour hare harp harvest hat hawk hay hazel head heart hearth heather hedge "
      "helmet hen herald herb herd hermit heron hill hinge hive holly honey hood hoof hook horizon horn horse "
      "hospital hotel hound hour house hunter hut hyacinth ice icicle inn insect iris iron island ivory ivy "
      "jacket jaguar jam jar jaw jelly jewel jigsaw jockey judge jug juggler juice jungle junction juniper "
      "kangaroo kennel kerchief kettle key keyboard kiln king kingdom kitchen kite kitten knee knife knight "
      "knot lace ladder ladle lady lagoon lake lamb lamp lance land landlord lane lantern lark laurel lawn "
      "lawyer leaf leather ledger leg lemon lens leopard letter lettuce level library lighthouse lightning "
      "lilac lily lime linen lion lizard loaf lobster lock locket locomotive lodge log loom lotus lute machine "
      "magnet magpie maid mallet manor mansion mantle map maple marble mare market marsh mask mason mast mat "
      "match mayor meadow medal melon mermaid merchant metal midnight mill miller mine minstrel mint mirror "
      "mist mitten moat mole monastery monkey monument moon moor morning mosaic moss moth mother motor mountain "
      "mouse mouth mule museum mushroom music muslin nail napkin necklace needle nephew nest net nettle "
      "newspaper night nightingale noon north nose notebook novel nurse nut nutmeg oak oar oasis oats ocean "
      "octopus office oil olive onion opal opera orange orchard orchid organ ostrich otter oven owl ox oyster "
      "packet paddle page pail painter palace palm panda panel panther paper parade parcel park parlour parrot "
      "parsley party passage pasture path pavement paw pea peach peacock pear pearl pebble pedal pelican pen "
      "pencil penguin pepper petal pheasant photograph piano picnic picture pie pier pigeon pilgrim pillar "
      "pillow pilot pine pineapple pipe pirate pistol pitcher plain planet plank plant plate plaza plough plum "
      "pocket poem poet pole pond pony pool poplar poppy porch porridge port porter post pot potato potter "
      "powder prairie prince princess prison prophet pulley pump pumpkin pupil puppet purse puzzle pyramid "
      "quarry quarter queen quill quilt rabbit radio radish raft rail rain rainbow raisin ram ranch raven razor "
      "reed reef reindeer ribbon rice rider rifle ring river road robe robin rock rocket roof rook room root "
      "rope rose rowan ruby rudder rug ruin ruler sack saddle sail sailor salad salmon salt sand sandal "
      "sapphire satchel satin saucer sausage saw scarf school scissors scooter screen screw sculptor sea seal "
      "season seat seed shadow shark shawl shed sheep shelf shell shepherd shield ship shirt shoe shop shore "
      "shoulder shovel shower shrub shutter silk silver singer sister skate sketch skirt sky slate sledge "
      "sleeve slipper smith smoke snail snake snow soap sofa soil soldier song soup south spade sparrow spear "
      "spice spider spindle spire sponge spoon spring spruce square squirrel stable stag stage stair stallion "
      "stamp star station statue steam steel stem step steward stick stone stool stork storm stove stranger "
      "straw strawberry stream street string student sugar suit suitcase summer sun sunflower swallow swan "
      "sweater sword table tablet tailor tambourine tanker tapestry tavern tea teacher teapot telescope temple "
      "tent terrace theatre thicket thimble thistle thread throne thrush thumb thunder ticket tide tiger tile "
      "timber toast toffee tomato tongue tool torch tortoise towel tower town toy tractor train tram trap tray "
      "treasure tree trench trousers trout trowel truck trumpet trunk tulip tunnel turkey turnip turtle twig "
      "umbrella uncle uniform valley valve van vase vault veil velvet veranda vessel village vine vinegar "
      "violet violin visitor voice volcano wagon waiter walnut walrus wardrobe warehouse wasp watch water wave "
      "wax weasel weaver wedding well west whale wharf wheat wheel whistle wick widow willow wind windmill "
      "window wing winter witness wizard wolf wood wool word worm wreath wren yacht yard yarn year zebra zinc");
  return all;
}

const std::vector<std::string>& adjectives() {
  static const std::vector<std::string> all = words_of(
      "able absent active actual agile airy alert alone amber ample ancient angry annual anxious apt ardent "
      "arid armed artful ashen autumnal average awake aware awkward azure bald bare basic beloved bent big "
      "bitter black blank bleak blind blue blunt bold boring bottom brave brief bright brisk broad broken "
      "bronze brown brutal busy calm capable careful careless casual cautious central certain charming cheap "
      "cheerful chief childish chilly circular civil classic clean clear clever close cloudy clumsy coarse "
      "coastal cold colossal comic common complete complex cool cosy costly covert crafty creamy crimson crisp "
      "crooked crowded cruel crude curious curly current daily damp daring dark dazzling dead deaf dear decent "
      "deep definite delicate dense dental direct dirty distant divine dizzy domestic double doubtful dreary "
      "drowsy dry dual dull dusty eager early eastern easy ebony edible elastic elderly elegant empty endless "
      "enormous entire equal eternal even evil exact exotic expert extra fabled faded faint fair faithful false "
      "familiar famous fancy far fast fatal fearless feeble fertile festive few fierce fiery final fine firm "
      "first fit flat fleet flimsy floral fluent fluffy foggy fond foolish foreign formal fragile frank free "
      "fresh friendly frosty frozen full funny fussy gallant generous gentle genuine giant gifted gilded glad "
      "glassy gloomy glossy golden good graceful grand grateful grave gray great greedy green grim gross grumpy "
      "guilty half handsome happy harmless harsh hasty healthy hearty heavy helpful hidden high hollow holy "
      "honest humble humid hungry hurried husky icy ideal idle ignorant ill immense indigo inner innocent "
      "intense ironic jade jealous jolly joyful juicy junior just keen kind lame large last late latent lawful "
      "lazy lean legal level light likely little lively local lofty lonely long loose lost loud lovely loving "
      "low loyal lucky lunar mad magic main major manual married massive mature meek mellow merry middle mighty "
      "mild minor misty mobile modern modest moist moral muddy musical mute mutual mystic naked narrow nasty "
      "native natural near neat nervous neutral new nimble noble noisy normal northern novel numb odd official "
      "old open opposite oral ordinary ornate outer oval pale parallel past patient peaceful perfect petty pink "
      "plain playful pleasant plump plush pointed polar polite poor popular portable precious precise pretty "
      "prime private prompt proper proud public pure purple quaint quick quiet radiant ragged rainy random "
      "rapid rare raw ready real recent red regal regular remote rich right rigid ripe robust rocky rough round "
      "royal rude rural rustic sad safe salty sandy sane scarce scarlet scenic secret secure senior separate "
      "serene serious severe shabby shady shaggy shallow sharp sheer shiny short shy sick silent silky silly "
      "similar simple sincere single skilful sleek sleepy slender slim slippery slow sly small smart smooth "
      "snowy sober social soft solar sole solemn solid sore sour southern spare special spicy spiral splendid "
      "spotless stable stale stark steady steep sterile stern stiff still stormy stout strange strict striped "
      "strong stubborn sturdy subtle sudden sunny superb sure sweet swift tall tame tasty tender tense thick "
      "thin thirsty thorny thrifty tidy tight timid tiny tired total tough tranquil tropical true trusty twin "
      "ugly unique upper upright urban urgent useful usual vacant vague vain valid vast verbal vital vivid "
      "vocal warm wary waxen weak wealthy weary weekly weird western wet white whole wide wild willing windy "
      "wise witty wooden woollen worthy young zealous");
  return all;
}

const std::vector<std::string>& verbs() {
  static const std::vector<std::string> all = words_of(
      "absorb accept accuse achieve admire admit adopt advise agree allow amuse announce answer appear applaud "
      "apply argue arise arrange arrive ask attach attack attempt attend avoid bake balance banish bathe begin "
      "behave believe belong bend betray bind bless blink blow boast boil borrow bounce breathe bring build "
      "burn bury buy calculate call carry carve catch celebrate change charge chase cheer chew choose clap "
      "climb cling collect combine comfort command compare complain conceal confess confuse consider consist "
      "contain continue convince copy cough count cover crawl create creep cry cure curl cut damage dare "
      "deceive decide declare decorate defend delay deliver demand depend describe deserve design destroy "
      "develop dig dip disagree discover discuss divide double drag draw drift drink drive drop drown earn eat "
      "educate embark embrace employ encourage enjoy enter entertain escape examine excite excuse exist expand "
      "expect explain explore extend fail fall fasten fear feed feel fetch fight fill find finish flee fling "
      "float flow fly fold follow forbid forecast forget forgive form gather gaze give glance glide glow grab "
      "greet grind grip groan grow guess guide hang happen hate haunt heal hear heat help hesitate hide hire "
      "hold hop hope hover hug hum hurry identify ignore imagine imitate improve include increase inform "
      "inherit insist inspect instruct intend interrupt introduce invent invite irritate join joke journey "
      "judge jump kick kiss kneel knit knock know label laugh launch lead lean leap learn leave lend lie lift "
      "listen live load look lose love manage march marry measure meet melt memorise mend mention mix mourn "
      "move multiply murmur need neglect nod notice obey object observe obtain occur offer open operate order "
      "overtake owe own pack paint pardon pause pay peel perform permit persuade plead please plunge point "
      "polish ponder possess pour praise pray prefer prepare present preserve press pretend prevent proceed "
      "produce promise protect prove provide pull punish push question quit race raise reach read realise "
      "receive recognise recover reduce refer reflect refuse regret reject rejoice relax release rely remain "
      "remember remind remove rent repair repeat replace reply report rescue resist respect rest retire return "
      "reveal ride rise roam roar rob roll rub run rush sail satisfy save scatter scold scrape scream scrub "
      "search see seek seem seize select sell send serve settle sew shake share shave shelter shine shiver "
      "shout show shrink shut sigh sing sink sip sit sleep slide smell smile snatch sneeze sniff snore soak "
      "solve soothe sort sparkle speak spell spend spill spin split spread sprinkle squeeze stand stare start "
      "stay steal steer stir stitch stop store strengthen stretch stride strike struggle stumble succeed suffer "
      "suggest supply support suppose surround survive suspect swear sweep swell swim swing switch take talk "
      "tap taste teach tear tease tell tempt thank think throw tickle tie touch trace trade translate travel "
      "treat tremble trot trust try tumble turn type understand undress unite unlock unpack vanish visit wait "
      "wake walk wander warn wash waste wear weave weep weigh welcome whirl whisper win wink wipe wish wonder "
      "work worry wrap wreck wrestle write yawn yield");
  return all;
}

const std::vector<std::string>& given_names() {
  static const std::vector<std::string> all = words_of(
      "Abelard Adela Alaric Albin Alda Amabel Ansel Arvid Asta Averil Barnaby Benedikta Bertil Blandine Branwen "
      "Caspian Cedric Celestine Clemency Cosima Cyprian Dagny Damaris Delphine Dorian Drusilla Edmunda Eirik "
      "Eloise Emeric Esmond Eudora Evander Fabian Faustina Ferdinand Fidelia Florian Freya Gareth Ginevra "
      "Godfrey Griselda Gunnar Hadrian Hedwig Helvi Hilarion Honor Idony Ignatius Ingrid Isolde Ivor Jasper "
      "Jocasta Jorund Juniper Kasimir Kerensa Konrad Lavinia Leander Leopold Linnea Lorcan Lucasta Magnus "
      "Malvina Marius Meliora Merrick Minerva Morwenna Nerys Nicanor Odette Olaf Ondine Oriel Osric Ottoline "
      "Peregrine Perpetua Phineas Quentin Ragnar Rosamund Rufus Sabina Selwyn Sigrid Silvan Tabitha Tancred "
      "Thaddeus Theodora Thora Tristan Ulric Una Valentin Verity Viggo Wilhelmina Winifred Xanthe Yorick Ysolde "
      "Zebedee Zenobia");
  return all;
}

const std::vector<std::string>& family_names() {
  static const std::vector<std::string> all = words_of(
      "Abernethy Aldermoor Applegarth Ashgrove Bannerman Barrowclough Beckwith Birkenshaw Blackadder Bramhall "
      "Brockhurst Calloway Carrowmore Castellane Chilverton Colquhoun Corrigall Dalgarno Dunwoody Eccleston "
      "Elphinstone Fairweather Featherstone Fennimore Frobisher Galbraith Garsington Gilderoy Greatorex "
      "Hallworthy Hathersage Heatherington Hollingbury Huxtable Inchbald Jessamine Kettleborough Kinnaird "
      "Lanyon Larkspur Lethbridge Lindqvist Lockhart Lovelace Macalister Mapplebeck Merriweather Mossgrove "
      "Nettleship Northcote Oakhampton Okonjo Ormerod Osterman Pargeter Pemberton Penhallow Pettigrew "
      "Quarrington Quillfeather Ravensworth Rothersthorpe Sandringford Satterthwaite Silverlock Skelmersdale "
      "Stavordale Strickland Tattersall Thackwray Thistlewood Tredwell Turnberry Underhay Vandermeer Venables "
      "Wadsworth Wetherby Whittingstall Winterbourne Wolstenholme Wyndham Yarborough Zielinski");
  return all;
}

const std::vector<std::string>& towns() {
  static const std::vector<std::string> all = words_of(
      "Aldermere Amberwick Ashcombe Barrowdene Birchover Blackmere Bramblehythe Brightholm Calderwick Carrowby "
      "Cinderford Coldbrook Coppergate Cranfield Dapplemoor Dunmarrow Eastermere Elderholt Emberley Fallowfen "
      "Farthinghoe Fennick Foxholm Glassbury Goldhanger Greywater Hallowby Harrowmere Hawksbeck Hazelmoor "
      "Heronsgate Hollowbrook Ironbeck Ivelstoke Juniper-Cross Kestrelby Kingsmarrow Larchfield Lindenmere "
      "Longmarrow Maplethwaite Marshwick Merrowdown Millerby Mistlebury Nettlecombe Northolm Oakenshaw "
      "Otterbeck Pebblemouth Penmarrow Quarrydene Quillby Ravensholt Redmarley Rookhampton Rushmere Saltersby "
      "Sandholme Silverbeck Skylark-Hill Snowdene Sorrelwick Starbury Stonehythe Swanmarrow Tanglewood "
      "Thistledown Thornwick Umberleigh Underbeck Valebrook Violet-Hythe Wagtail-Green Walderby Westermoor "
      "Whitmarrow Willowhurst Winterfold Wolfhampton Wrenbury Yarrowby Zealham");
  return all;
}

const std::vector<std::string>& plain_words() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> words = nouns();
    words.insert(words.end(), adjectives().begin(), adjectives().end());
    words.insert(words.end(), verbs().begin(), verbs().end());
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
  }();
  return all;
}

}  // namespace tome::eval
