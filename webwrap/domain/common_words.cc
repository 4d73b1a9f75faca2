#include "domain/common_words.h"

#include <algorithm>

namespace webwrap {
namespace {

constexpr std::string_view words =
    // Passwords about passwords, accounts and machines.
    "password passwort passwords passphrase passcode passwd pass word parola parole kennwort motdepasse contraseña contrasena contrasenia "
    "senha haslo heslo wachtwoord lozinka salasana losenord adgangskode sifre parool mypassword newpassword thepassword yourpassword "
    "secret "
    "geheim secreto changeme change changeit letmein letmeinplease letmeinnow openthedoor opensesame sesame login logmein signin signup "
    "welcome willkommen bienvenue bienvenido benvenuto admin administrator administrador root superuser user username default guest demo "
    "sample temp temporary test testing tester testuser testaccount account system server database oracle mysql access security secure "
    "master computer internet windows microsoft google facebook youtube instagram snapchat twitter whatsapp telegram discord linkedin "
    "netflix "
    "spotify amazon apple iphone android samsung nokia huawei yahoo gmail hotmail outlook myspace linux ubuntu debian cisco router "
    "wireless "
    "public private office company business student teacher school university backup support service manager qwe asd zxc qaz wsx edc abc "
    "xyz "
    "aaa xxx thisismypassword thisisapassword thisismynewpassword iforgotmypassword iforgot forgot remember nopassword idontknow idontcare "
    "dontknow whatever nothing something anything everything unknown incorrect wrong correct yourpasswordisincorrect trustno1 trustnoone "
    "correcthorsebatterystaple horsebatterystaple tr0ub4dor troubador longpassword strongpassword verysecurepassword twelvecharacters "
    // Of this service and its subject.
    "voxconv webwrap voxconverter voice voices voicechanger voiceconversion voiceconverter converter conversion convert vocal vocals song "
    "songs mysong singer singing sing singasong singalong singstar karaoke microphone music mymusic musiclover musicislife ilovemusic "
    "ilovesinging ilovetosing guitar piano drums drummer violin rockstar popstar superstar rocknroll rockandroll hiphop metallica slipknot "
    "nirvana eminem beyonce rihanna shakira madonna mozart beethoven beatles thebeatles abba queen ledzeppelin pinkfloyd acdc ironmaiden "
    "greenday linkinpark onedirection justinbieber taylorswift ladygaga michaeljackson elvispresley bobmarley oasis radiohead coldplay "
    // Love, God, insults, sentences.
    "iloveyou iloveu iluvyou loveyou loveme lovely lover love luv loveislove iloveyouforever iloveyousomuch iloveyoubaby iloveyoumore "
    "iloveyoutoo ilovemyself iloveme ilovemymom ilovemyfamily ilovemydog ilovemycat ilovemykids ilovemywife ilovemylife ilovegod "
    "ilovejesus "
    "ilovechocolate ilove ihate ihateyou imissyou missyou iwantyou iwillsurvive marryme kissme hateyou truelove lovelife foreverlove "
    "forever always foreverandever foreveryoung foreveralone teamo tequiero teamomucho tequieromucho teamoamor mivida micorazon jetaime "
    "ichliebedich ichliebe liebe schatz hallo tiamo amore amoremio amor mylove mybaby babygirl babyboy baby honey sweetheart sweetie "
    "sweety "
    "darling angel angels princess prince princesa queenbee god jesus jesuschrist christ jesusislord jesuslovesme jesussaves godisgood "
    "godislove godbless godblessyou blessed amen allah allahuakbar bismillah inshallah alhamdulillah muhammad mohammed krishna hallelujah "
    "heaven hell faith hope grace believe family myfamily friends bestfriends bestfriend bff mother father mommy daddy mama papa sister "
    "brother fuckyou fuckoff fuck fuckme fuckit asshole bitch bullshit shit sexy sexygirl sex pussy dick bigdick hello "
    "helloworld world hellokitty goodbye goodluck goodmorning goodnight thankyou please yes maybe never nevermind nevergiveup dontforget "
    "donttouchmyphone leavemealone mindyourownbusiness whoareyou howareyou iamhere iamthebest iamtheone imthebest iamgod iamawesome whoami "
    "mynameis myname itsme itismeagain onlyme justme byebye lifeisgood lifeisbeautiful livelaughlove carpediem hakunamatata nopainnogain "
    "yolo lol lmao haha hahaha blah blahblah bla wtf omg abracadabra supercalifragilisticexpialidocious thequickbrownfox "
    "thequickbrownfoxjumpsoverthelazydog quickbrownfox tobeornottobe thatisthequestion maytheforcebewithyou theforce winteriscoming "
    "valarmorghulis youshallnotpass onceuponatime happybirthday merrychristmas happynewyear letsgo comeon freedom peace loveandpeace "
    "onetwothree onetwothreefour onetwothreefourfive onetwo twothree one two three four five six seven eight nine ten einszweidrei "
    "unodostres "
    "undeuxtrois hundred thousand million zero "
    // People.
    "michael jennifer jessica ashley amanda daniel andrew joshua matthew robert thomas jordan hunter michelle charlie william nicole "
    "heather "
    "anthony maggie elizabeth charlotte alexander alexandra alexandre alejandro victoria veronica samantha stephanie christopher christian "
    "christina christine benjamin jonathan nicholas nathaniel sebastian gabriel gabriela valentina isabella olivia sophia sophie emma "
    "emily "
    "hannah sarah laura julia maria anna marie katie katherine catherine rebecca rachel melissa vanessa natalie natasha tatiana anastasia "
    "ekaterina andrea angela angelina patricia barbara susan linda karen nancy david john james joseph george richard charles steven kevin "
    "brian justin brandon tyler austin dylan ryan jason jackson jacob ethan logan lucas liam noah oliver oscar harry peter martin stefan "
    "florian tobias maximilian andreas juergen klaus hans francesco giuseppe giovanni alessandro lorenzo matteo carlos miguel fernando "
    "francisco antonio roberto ricardo eduardo rodrigo diego pablo juan jose luis pedro ivan sergey dmitry vladimir ahmed mohamed ali "
    "hassan "
    "fatima priya rahul kumar singh ginger pepper bailey buster harley cooper molly lucky rocky max bella daisy smokey tigger snoopy "
    "garfield mickey mickeymouse minnie donald bugsbunny scooby scoobydoo spongebob barbie nemo simba bambi tweety winnie pooh "
    "winniethepooh "
    // Sport, teams, cars, brands, heroes, games.
    "football futbol fussball soccer baseball basketball hockey tennis golf swimming skateboard snowboard surfing liverpool liverpoolfc "
    "manchester manchesterunited manutd mancity chelsea chelseafc arsenal arsenalfc tottenham everton newcastle celtic rangers barcelona "
    "barca fcbarcelona realmadrid atleticomadrid juventus intermilan milan acmilan bayern bayernmunich bayernmuenchen borussia dortmund "
    "schalke schalke04 galatasaray fenerbahce besiktas benfica sporting boca river flamengo corinthians palmeiras yankees redsox lakers "
    "cowboys steelers eagles packers patriots raiders broncos ronaldo cristiano cristianoronaldo messi lionelmessi neymar beckham zidane "
    "ferrari porsche mercedes bmw audi volkswagen toyota honda nissan yamaha suzuki kawasaki ducati harleydavidson mustang corvette camaro "
    "lamborghini bugatti chevrolet jaguar superman batman spiderman ironman wolverine hulk thor avengers marvel captainamerica deadpool "
    "joker "
    "starwars startrek skywalker lukeskywalker darthvader yoda jedi chewbacca matrix neo terminator gandalf frodo legolas aragorn "
    "lordoftherings "
    "hobbit harrypotter hogwarts hermione dumbledore voldemort gryffindor slytherin twilight gameofthrones pokemon pikachu charizard "
    "naruto "
    "sasuke goku vegeta dragonball dragonballz onepiece minecraft fortnite roblox warcraft worldofwarcraft starcraft counterstrike "
    "callofduty "
    "battlefield leagueoflegends dota playstation nintendo xbox xbox360 zelda mario supermario sonic pacman tetris doom halo assassin "
    "ninja "
    "samurai warrior knight wizard magic merlin pirate killer hacker gamer player legend champion winner number1 numberone thebest boss "
    "bigboss "
    // Things, animals, colours, food, seasons, places.
    "sunshine sunflower sunset sunrise moonlight moon star stars starlight rainbow snowflake summer winter spring autumn january february "
    "march "
    "april june july august september october november december monday tuesday wednesday thursday friday saturday sunday birthday "
    "christmas "
    "halloween easter dragon monkey shadow tiger lion eagle falcon phoenix panther cougar wolf wolves bear panda dolphin dolphins "
    "butterfly "
    "dog dogs doggy puppy cat cats kitty kitten kittycat horse horses ponies bunny rabbit turtle spider snake chicken elephant unicorn "
    "mouse "
    "black blue red green yellow orange purple pink white silver golden gold diamond crystal platinum chocolate cookie cookies cupcake "
    "banana bananas cherry strawberry blueberry peanut butter peanutbutter cheese cheesecake pizza hamburger bacon coffee cocacola "
    "pepsi whiskey vodka beer budweiser heineken marijuana weed flower flowers rose roses blueberries lavender jasmine tulip garden forest "
    "mountain ocean beach island paradise fire water earth thunder lightning storm america usa canada mexico brazil brasil argentina "
    "colombia england london scotland ireland france paris germany deutschland berlin hamburg muenchen spain espana madrid italy italia "
    "roma "
    "russia moscow india mumbai pakistan china japan tokyo australia sydney newyork newyorkcity losangeles lasvegas california texas "
    "florida "
    "chicago boston hollywood money moneymoney getmoney dollar millionaire success lovelove crazy stupid cool sweet happy smile smiley "
    "dreams dream dreamer mydream power energy turbo rocket trouble destiny infinity eternity universe galaxy space alien monster vampire "
    "zombie "
    "skull blood death demon devil satan lucifer hellfire my the you and life girl boy bad good big little hot new old real super mega "
    "ultra "
    "mrs mister lady gangster playboy sexyboy hotgirl hottie cutie cuteme beautiful gorgeous handsome";

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    result.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

}  // namespace

const std::vector<std::string_view>& common_words() {
  static const std::vector<std::string_view> all = split(words);
  return all;
}

}  // namespace webwrap
