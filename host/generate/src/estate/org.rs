//! The estate's Okta org: an account for each person, the devices and networks they come from, and its applications.

use countersign_model::Account;

use super::Person;
use crate::random::{Random, Stream};

/// The name under which the org is reached.
pub(crate) const DOMAIN: &str = "example.okta.com";

const BASE62: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The org.
#[derive(Clone, Debug)]
pub(crate) struct Org {
    /// One for each person of the estate, in the same order.
    pub(crate) members: Vec<Member>,
    pub(crate) applications: Vec<Application>,
    pub(crate) groups: Vec<Group>,
}

/// A person's account in the org.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// `00u…`
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) name: String,
    /// The computer they were given.
    pub(crate) computer: Device,
    pub(crate) phone: Device,
    pub(crate) home: Site,
    pub(crate) office: Site,
    /// Where the phone is when it isn't at home or in the office.
    pub(crate) road: Site,
}

impl Member {
    /// The account as the source resolves it, which sees all orgs of an operator as one.
    pub(crate) fn account(&self) -> Account {
        Account::new("okta", "org", &self.id)
    }
}

/// A device as the org knows it.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    /// `guo…`; empty where the org manages none.
    pub(crate) id: String,
    /// `Computer` or `Mobile`.
    pub(crate) kind: &'static str,
    /// As the org names the operating system.
    pub(crate) system: &'static str,
    pub(crate) platform: &'static str,
    pub(crate) browser: &'static str,
    pub(crate) agent: &'static str,
}

/// A place on the network and on the map.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) address: String,
    pub(crate) city: &'static str,
    pub(crate) country: &'static str,
    /// Ten-thousandths of a degree, north positive.
    pub(crate) latitude: i32,
    /// Ten-thousandths of a degree, east positive.
    pub(crate) longitude: i32,
    /// In the range kept for documentation.
    pub(crate) network: i64,
    pub(crate) provider: &'static str,
}

/// An application that people sign in to.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    /// `0oa…`
    pub(crate) id: String,
    pub(crate) label: &'static str,
}

/// A group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// `00g…`
    pub(crate) id: String,
    pub(crate) name: &'static str,
}

impl Org {
    pub(super) fn new(seed: u64, people: &[Person]) -> Org {
        let random = &mut Random::new(seed, Stream::Org);
        let members = people.iter().zip(0u32..).map(|(person, number)| member(random, person, number)).collect();
        let applications =
            ["Salesforce", "AWS Account Federation", "GitHub", "Microsoft Office 365", "Slack", "Okta Admin Console"];
        Org {
            members,
            applications: applications.into_iter().map(|label| Application { id: id(random, "0oa"), label }).collect(),
            groups: ["Employees", "Engineering", "Finance", "Contractors"]
                .into_iter()
                .map(|name| Group { id: id(random, "00g"), name })
                .collect(),
        }
    }

    /// The account of the person at a place.
    pub(crate) fn member(&self, place: usize) -> &Member {
        // INVARIANT: an estate has at least eight people, and each has an account.
        #[expect(clippy::indexing_slicing, reason = "taken modulo the length, which is at least 8")]
        &self.members[place % self.members.len()]
    }
}

/// An id of the org: a prefix of three characters and 17 more.
pub(crate) fn id(random: &mut Random, prefix: &str) -> String {
    let mut id = prefix.to_owned();
    id.push_str(&random.letters(BASE62, 17));
    id
}

/// A session's id, as the org writes it in every record of the session.
pub(crate) fn session(random: &mut Random) -> String {
    id(random, "trs")
}

fn member(random: &mut Random, person: &Person, number: u32) -> Member {
    let (computer, phone) = devices(random, person.browser, number);
    let city = |address: &str, network, provider| Site {
        address: address.to_owned(),
        city: "Vienna",
        country: "Austria",
        latitude: 482_082,
        longitude: 163_738,
        network,
        provider,
    };
    let provider = [(64_497, "example cable"), (64_498, "example fibre"), (64_499, "example telecom")];
    let (network, name) = random.pick(&provider).copied().unwrap_or((64_497, "example cable"));
    Member {
        id: id(random, "00u"),
        email: person.email.clone(),
        name: display(&person.user.name),
        computer,
        phone,
        home: city(&person.home, network, name),
        office: city(&person.office, 64_496, "example inc"),
        road: city(&format!("198.51.100.{}", 1 + (number + 127) % 254), 64_500, "example mobile"),
    }
}

/// `anna.adler` → `Anna Adler`.
fn display(name: &str) -> String {
    let upper = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    name.split('.').map(upper).collect::<Vec<_>>().join(" ")
}

fn devices(random: &mut Random, agent: &'static str, number: u32) -> (Device, Device) {
    let (system, platform) = if agent.contains("Windows") {
        ("Windows 10", "WINDOWS")
    } else if agent.contains("Macintosh") {
        ("Mac OS X", "MACOS")
    } else {
        ("Linux", "LINUX")
    };
    let browser = if agent.contains("Firefox") {
        "FIREFOX"
    } else if agent.contains("Edg/") {
        "EDGE"
    } else if agent.contains("Chrome") {
        "CHROME"
    } else {
        "SAFARI"
    };
    // Linux isn't managed here, and a few computers aren't enrolled.
    let managed = platform != "LINUX" && number % 5 != 4;
    let computer = Device {
        id: if managed { id(random, "guo") } else { String::new() },
        kind: "Computer",
        system,
        platform,
        browser,
        agent,
    };
    let phone = Device {
        id: id(random, "guo"),
        kind: "Mobile",
        system: "iOS 18 (iPhone)",
        platform: "IOS",
        browser: "SAFARI",
        agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Mobile/15E148 Safari/604.1",
    };
    (computer, phone)
}
