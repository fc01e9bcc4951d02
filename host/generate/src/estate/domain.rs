//! The estate's Windows domain: controllers, servers, the machines of its people, and their accounts by SID.

use countersign_model::Account;

use super::Person;
use crate::random::{Random, Stream};

/// The domain's DNS name.
pub(crate) const DNS: &str = "corp.example.com";
/// Its NetBIOS name.
pub(crate) const NETBIOS: &str = "CORP";

/// The domain.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    /// `S-1-5-21-…`, without a last part.
    pub(crate) sid: String,
    pub(crate) controllers: Vec<Machine>,
    pub(crate) servers: Vec<Machine>,
    pub(crate) federation: Machine,
    /// The machine that synchronises identities with the cloud.
    pub(crate) synchroniser: Machine,
    /// The account with which it reads the directory.
    pub(crate) sync_account: Principal,
    /// A person's computer and account, for each person of the estate in the same order.
    pub(crate) desks: Vec<Desk>,
    /// Services that run under accounts of their own, with a service principal name.
    pub(crate) services: Vec<Principal>,
    /// The account of an old service without Kerberos pre-authentication.
    pub(crate) legacy: Principal,
}

/// An account of the domain.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    pub(crate) name: String,
    pub(crate) sid: String,
}

/// A machine with its account.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Without the domain.
    pub(crate) name: String,
    pub(crate) address: String,
    /// The machine's account: its name and a dollar.
    pub(crate) account: Principal,
}

/// A person at a computer.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) user: Principal,
    pub(crate) machine: Machine,
}

impl Machine {
    /// Its full name.
    pub(crate) fn host(&self) -> String {
        format!("{}.{DNS}", self.name)
    }
}

impl Domain {
    pub(super) fn new(seed: u64, people: &[Person]) -> Domain {
        let random = &mut Random::new(seed, Stream::Domain);
        let mut part = || random.between(100_000_000, 4_000_000_000);
        let sid = format!("S-1-5-21-{}-{}-{}", part(), part(), part());
        let mut next = 1_000;
        let mut principal = |name: String| {
            next += 1;
            Principal { name, sid: format!("{sid}-{next}") }
        };
        let mut machine =
            |name: String, address: String| Machine { account: principal(format!("{name}$")), name, address };
        let controllers = (1..=2u32).map(|n| machine(format!("DC{n:02}"), format!("10.200.0.{n}"))).collect();
        let servers = ["FILE01", "SQL01", "WEB01", "PRINT01", "APP01"];
        let servers =
            servers.iter().zip(10u32..).map(|(name, n)| machine((*name).to_owned(), format!("10.200.0.{n}"))).collect();
        let federation = machine("ADFS01".to_owned(), "10.200.0.40".to_owned());
        let synchroniser = machine("SYNC01".to_owned(), "10.200.0.41".to_owned());
        let machines: Vec<Machine> = (0..people.len())
            .map(|n| machine(format!("WS{:04}", n + 1), format!("10.201.{}.{}", n / 250, 1 + n % 250)))
            .collect();
        let sync_account = principal("MSOL_5f2c1a9b7d3e".to_owned());
        let services = ["svc-sql", "svc-web", "svc-reports", "svc-backup", "svc-search", "svc-build", "svc-crm"];
        let services = services.into_iter().map(|name| principal(name.to_owned())).collect();
        let legacy = principal("svc-scanner".to_owned());
        let desks = people
            .iter()
            .zip(machines)
            .map(|(person, machine)| Desk { user: principal(person.user.name.clone()), machine })
            .collect();
        Domain { sid, controllers, servers, federation, synchroniser, sync_account, desks, services, legacy }
    }

    /// A principal's account as the source resolves it.
    pub(crate) fn account(&self, who: &Principal) -> Account {
        Account::new("windows", &self.sid, &who.sid)
    }

    /// A machine that was plugged in without joining the domain.
    pub(crate) fn foreign_machine(&self) -> Machine {
        let account = Principal { name: "-".to_owned(), sid: "S-1-0-0".to_owned() };
        Machine { name: "DESKTOP-0F7Q2LA".to_owned(), address: "10.201.250.77".to_owned(), account }
    }

    /// The desk of the person at a place.
    pub(crate) fn desk(&self, place: usize) -> &Desk {
        // INVARIANT: an estate has at least eight people, and each has a desk.
        #[expect(clippy::indexing_slicing, reason = "taken modulo the length, which is at least 8")]
        &self.desks[place % self.desks.len()]
    }

    /// A controller, by any number.
    pub(crate) fn controller(&self, number: usize) -> &Machine {
        // INVARIANT: a domain has two controllers.
        #[expect(clippy::indexing_slicing, reason = "taken modulo the length, which is 2")]
        &self.controllers[number % self.controllers.len()]
    }
}
