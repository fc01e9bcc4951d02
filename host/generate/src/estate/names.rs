//! Names of people and what they browse with.

const GIVEN: [&str; 40] = [
    "anna", "bela", "chidi", "dora", "emil", "farah", "goran", "hana", "ivan", "jana", "kofi", "lena", "marek", "noor",
    "olga", "pavel", "quinn", "rosa", "samir", "tara", "uma", "viktor", "wanda", "xenia", "yusuf", "zoe", "amir",
    "berta", "carlo", "dina", "elif", "felix", "greta", "hugo", "ines", "jonas", "kaya", "liam", "mina", "nils",
];

const FAMILY: [&str; 50] = [
    "adler", "baker", "costa", "duval", "eklund", "fischer", "garcia", "hansen", "ibrahim", "jensen", "keller",
    "larsen", "meyer", "novak", "okafor", "petrov", "quist", "rossi", "sato", "tanaka", "unger", "vogel", "weber",
    "xu", "young", "zeman", "arslan", "bauer", "chen", "diaz", "evans", "farkas", "gruber", "horvat", "ito", "jovanov",
    "kovac", "lopez", "moreau", "nagy", "olsen", "park", "reyes", "silva", "toth", "urban", "varga", "wolf", "yilmaz",
    "zhang",
];

/// The browsers' user agents.
pub(crate) const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
];

/// `given.family`, unique for numbers below 2,000.
pub(crate) fn person(number: u32) -> String {
    let (given, family) = (number as usize % GIVEN.len(), number as usize);
    let family = (family + family / GIVEN.len()) % FAMILY.len();
    match (GIVEN.get(given), FAMILY.get(family)) {
        (Some(given), Some(family)) => format!("{given}.{family}"),
        _ => format!("person.{number}"),
    }
}
