//! Who attacks, from where, and whose credential they have.

use crate::cloudtrail::caller::{Caller, with_key};
use crate::estate::org::{Device, Member, Site};
use crate::estate::{Duty, Estate, Instance, Person};
use crate::random::Random;

/// One intruder. Its number decides the victim, so that intruders with different numbers have different victims
/// where the estate has enough people.
pub(super) struct Intruder<'e> {
    pub(super) victim: &'e Person,
    /// The victim's place among the estate's people.
    pub(super) place: usize,
    /// The victim's account in the org.
    pub(super) member: &'e Member,
    /// Other users of the victim's account, the most useful first.
    pub(super) others: Vec<&'e Person>,
    pub(super) instance: Option<&'e Instance>,
    /// In 198.18.0.0/15, which no one of the estate uses.
    pub(super) address: String,
    /// An account of theirs, not of the estate.
    pub(super) foreign_account: String,
}

impl<'e> Intruder<'e> {
    pub(super) fn new(estate: &'e Estate, random: &mut Random, number: u32) -> Intruder<'e> {
        // Developers that the directory knows: worth stealing from, and not administrators.
        let able: Vec<&Person> = estate.with_duty(Duty::Developer);
        let nth = number as usize % able.len().max(1);
        // INVARIANT: an estate has at least eight people, four of them developers.
        #[expect(clippy::indexing_slicing, reason = "below the length, which is at least 4")]
        let victim = able[nth];
        let others = estate
            .people
            .iter()
            .filter(|person| person.user.account == victim.user.account && person.id != victim.id)
            .collect();
        let in_account: Vec<&Instance> =
            estate.instances.iter().filter(|instance| instance.role.account == victim.user.account).collect();
        let candidates = if in_account.is_empty() { estate.instances.iter().collect() } else { in_account };
        let instance = candidates.get(number as usize % candidates.len().max(1)).copied();
        let place = estate.people.iter().position(|person| person.id == victim.id).unwrap_or(0);
        Intruder {
            victim,
            place,
            member: estate.org.member(place),
            others,
            instance,
            address: format!("198.{}.{}.{}", 18 + number % 2, 10 + number % 240, random.between(2, 250)),
            // No account of an estate begins with 0.
            foreign_account: format!("0{}", random.letters(b"0123456789", 11)),
        }
    }

    /// The victim's access key in the intruder's hands.
    pub(super) fn with_stolen_key(&self, estate: &Estate) -> Caller {
        let agent = "Boto3/1.35.90 md/Botocore#1.35.90 ua/2.0 os/linux#6.11.2 md/arch#x86_64 lang/python#3.11.9";
        with_key(estate.account(self.victim.user.account), &self.victim.user, &self.address, agent)
    }

    /// What they sign in with: nothing that an org manages, and not the victim's operating system.
    pub(super) fn device(&self) -> Device {
        let foreign = self.member.computer.platform != "LINUX";
        Device {
            id: String::new(),
            kind: "Computer",
            system: if foreign { "Linux" } else { "Windows 10" },
            platform: if foreign { "LINUX" } else { "WINDOWS" },
            browser: "CHROME",
            agent: if foreign {
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
            } else {
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
            },
        }
    }

    /// Where they sit.
    pub(super) fn site(&self) -> Site {
        Site {
            address: self.address.clone(),
            city: "Singapore",
            country: "Singapore",
            latitude: 13_521,
            longitude: 1_038_198,
            network: 64_511,
            provider: "example hosting",
        }
    }

    /// The name of another user, the `place`th.
    pub(super) fn other(&self, place: usize) -> &str {
        match self.others.get(place % self.others.len().max(1)) {
            Some(person) => &person.user.name,
            // An account with a single user: one that the records never name otherwise.
            None => "old-admin",
        }
    }
}
