//! The estate: the accounts, people, service accounts, roles, instances and networks whose work is generated, its
//! Okta org and its Windows domain.

mod directory;
pub(crate) mod domain;
mod names;
pub(crate) mod org;

use domain::Domain;
use org::Org;

use countersign_model::Timestamp;

use crate::random::{Random, Stream};
use crate::time::format_date;

/// How large an estate is. Counts of 0 leave a kind out; the limits keep ids and addresses apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// AWS accounts, 1–64.
    pub accounts: u32,
    /// People, 8–2,000. Each has an IAM user and a reserved SSO role.
    pub people: u32,
    /// Service accounts that deploy, 1–500.
    pub pipelines: u32,
    /// Service accounts that run a scheduled job, 0–500.
    pub jobs: u32,
    /// EC2 instances with a role, 1–1,000.
    pub instances: u32,
    /// Functions with a role, 0–1,000.
    pub functions: u32,
}

impl Size {
    /// A start-up: one account, a dozen people.
    pub const SMALL: Size = Size { accounts: 1, people: 12, pipelines: 2, jobs: 2, instances: 4, functions: 3 };
    /// A company: three accounts, sixty people.
    pub const MEDIUM: Size = Size { accounts: 3, people: 60, pipelines: 6, jobs: 8, instances: 24, functions: 16 };
    /// A large company: twelve accounts, six hundred people.
    pub const LARGE: Size = Size { accounts: 12, people: 600, pipelines: 40, jobs: 60, instances: 300, functions: 160 };

    fn held(self) -> Size {
        Size {
            accounts: self.accounts.clamp(1, 64),
            people: self.people.clamp(8, 2000),
            pipelines: self.pipelines.clamp(1, 500),
            jobs: self.jobs.min(500),
            instances: self.instances.clamp(1, 1000),
            functions: self.functions.min(1000),
        }
    }
}

/// Everything that exists before the first event. The same seed and size give the same estate.
#[derive(Clone, Debug)]
pub struct Estate {
    pub(crate) accounts: Vec<CloudAccount>,
    pub(crate) people: Vec<Person>,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) instances: Vec<Instance>,
    pub(crate) functions: Vec<Function>,
    pub(crate) break_glass: User,
    pub(crate) org: Org,
    pub(crate) domain: Domain,
}

/// One AWS account.
#[derive(Clone, Debug)]
pub(crate) struct CloudAccount {
    /// Twelve digits in the pattern of the documentation's own examples, such as `111122223333`.
    pub(crate) id: String,
    /// `production`, `staging` or `development`.
    pub(crate) environment: &'static str,
    pub(crate) region: &'static str,
    pub(crate) trail: String,
    pub(crate) flow_log: String,
    pub(crate) detector: String,
    pub(crate) key: String,
    pub(crate) bucket: String,
    pub(crate) vpc: String,
    pub(crate) subnet: String,
    pub(crate) endpoint: String,
    /// The role that pipelines assume.
    pub(crate) deploy_role: Role,
    /// The role of the applications in containers.
    pub(crate) container_role: Role,
    /// The role of a service that looks in from time to time.
    pub(crate) service_role: Role,
}

/// An IAM user.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// Place of its account in the estate.
    pub(crate) account: usize,
    pub(crate) name: String,
    /// `AIDA…`
    pub(crate) id: String,
    /// `AKIA…`; empty where it has none.
    pub(crate) access_key: String,
}

/// An IAM role.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) account: usize,
    /// `/`, or a path with slashes at both ends.
    pub(crate) path: String,
    pub(crate) name: String,
    /// `AROA…`
    pub(crate) id: String,
}

/// What a person is employed for; decides what they do and how much depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    ItAdmin,
    Platform,
    Security,
    Developer,
    Analyst,
}

/// A person.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// Directory id.
    pub(crate) id: String,
    pub(crate) duty: Duty,
    pub(crate) user: User,
    /// The reserved SSO role of their duty.
    pub(crate) sso: Role,
    pub(crate) email: String,
    pub(crate) home: String,
    pub(crate) office: String,
    pub(crate) browser: &'static str,
    /// Whether the directory knows them; a contractor may be missing.
    pub(crate) listed: bool,
}

/// A service account that deploys with Terraform.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) id: String,
    pub(crate) user: User,
    pub(crate) runner: String,
    pub(crate) owner: String,
}

/// A service account that runs one job again and again, of which one call is always denied.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) user: User,
    pub(crate) host: String,
    pub(crate) owner: String,
}

/// An EC2 instance with a role of its own.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    /// `i-…`, also its role session's name.
    pub(crate) id: String,
    pub(crate) role: Role,
    /// Inside the VPC; what a VPC endpoint reports.
    pub(crate) private_address: String,
    /// Last byte's first value of the /28 of its public addresses.
    pub(crate) network: u64,
    /// Public address at the start of the day.
    pub(crate) public_address: String,
    pub(crate) owner: String,
}

/// A Lambda function with a role of its own.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) owner: String,
}

impl Estate {
    /// Lays out an estate of a size, held within [`Size`]'s limits.
    #[must_use]
    pub fn new(seed: u64, size: Size) -> Estate {
        let size = size.held();
        let random = &mut Random::new(seed, Stream::Estate);
        let accounts: Vec<CloudAccount> = (0..size.accounts).map(|number| account(random, number)).collect();
        let count = accounts.len();
        let people: Vec<Person> = (0..size.people).map(|number| person(seed, random, number, count)).collect();
        let owner = |random: &mut Random, duty: Duty| {
            let able: Vec<&Person> = people.iter().filter(|person| person.duty == duty).collect();
            random.pick(&able).map(|person| person.id.clone()).unwrap_or_default()
        };
        let pipelines = (0..size.pipelines)
            .map(|number| Pipeline {
                id: format!("pipeline-{:03}", number + 1),
                user: user(random, number as usize % count, format!("ci-deploy-{:03}", number + 1), true),
                runner: format!("192.0.2.{}", 128 + number % 64),
                owner: owner(random, Duty::Platform),
            })
            .collect();
        let jobs = (0..size.jobs)
            .map(|number| {
                let work = random.word(&["backup", "inventory", "billing-export", "log-shipper", "metrics"]);
                Job {
                    id: format!("job-{:03}", number + 1),
                    user: user(random, number as usize % count, format!("svc-{work}-{:03}", number + 1), true),
                    host: format!("192.0.2.{}", 192 + number % 60),
                    owner: owner(random, Duty::Platform),
                }
            })
            .collect();
        let instances = (0..size.instances)
            .map(|number| {
                let work = random.word(&["web", "api", "worker", "queue", "search", "cache"]);
                let network = u64::from(number % 15) * 16;
                Instance {
                    id: random.hex("i-", 17),
                    role: role(random, number as usize % count, "/", format!("{work}-instance-{:03}", number + 1)),
                    private_address: format!(
                        "10.{}.{}.{}",
                        number as usize % count,
                        number / 200 + 1,
                        10 + number % 200
                    ),
                    network,
                    public_address: format!("203.0.113.{}", network + 1 + u64::from(number / 15) % 14),
                    owner: owner(random, Duty::Platform),
                }
            })
            .collect();
        let functions = (0..size.functions)
            .map(|number| {
                let work = random.word(&["resize-image", "send-mail", "index-orders", "rotate-logs", "price-feed"]);
                let name = format!("{work}-{:03}", number + 1);
                Function {
                    role: role(random, number as usize % count, "/service-role/", format!("{name}-role")),
                    name,
                    owner: owner(random, Duty::Developer),
                }
            })
            .collect();
        let break_glass = user(random, 0, "break-glass".to_owned(), false);
        let (org, domain) = (Org::new(seed, &people), Domain::new(seed, &people));
        Estate { accounts, people, pipelines, jobs, instances, functions, break_glass, org, domain }
    }

    /// The ids of its AWS accounts, twelve digits each.
    pub fn account_ids(&self) -> impl Iterator<Item = &str> {
        self.accounts.iter().map(|account| account.id.as_str())
    }

    /// What an operator's directory knows of this estate, in the grammar of `identities.toml`. A few contractors
    /// are missing from it, as in life.
    #[must_use]
    pub fn identities_toml(&self) -> String {
        directory::write(self)
    }

    /// The networks that are the estate's own, in the grammar of `egress.toml`.
    #[must_use]
    pub fn egress_toml(&self, as_of: Timestamp) -> String {
        directory::egress(&format_date(as_of))
    }

    /// What the domain's accounts and machines are there for, in the grammar of `domain-roles.toml`.
    #[must_use]
    pub fn domain_roles_toml(&self, as_of: Timestamp) -> String {
        directory::domain_roles(&self.domain, &format_date(as_of))
    }

    /// The account at a place.
    pub(crate) fn account(&self, place: usize) -> &CloudAccount {
        // INVARIANT: an estate has at least one account, and places are handed out below their number.
        #[expect(clippy::indexing_slicing, reason = "taken modulo the length, which is at least 1")]
        &self.accounts[place % self.accounts.len()]
    }

    /// People with a duty.
    pub(crate) fn with_duty(&self, duty: Duty) -> Vec<&Person> {
        self.people.iter().filter(|person| person.duty == duty).collect()
    }
}

fn account(random: &mut Random, number: u32) -> CloudAccount {
    // Four of a kind, thrice: the shape of the account ids in the provider's documentation. The first digit steps
    // with the number, so no two are alike.
    let (first, second) = (1 + number % 9, number / 9 % 8);
    let digits = [first, (first + 1 + second) % 10, (first + 2 + second) % 10];
    let id = digits.iter().flat_map(|digit| std::iter::repeat_n(digit, 4)).map(u32::to_string).collect::<String>();
    let environment = match number {
        0 => "production",
        1 => "staging",
        _ => random.word(&["development", "development", "production", "staging"]),
    };
    let place = number as usize;
    let service = "AWSServiceRoleForAmazonInspector2";
    CloudAccount {
        environment,
        region: random.word(&["eu-central-1", "eu-west-1", "us-east-1"]),
        trail: format!("org-trail-{environment}"),
        flow_log: random.hex("fl-", 17),
        detector: random.hex("", 32),
        key: random.uuid(),
        bucket: format!("{environment}-data-{id}"),
        vpc: random.hex("vpc-", 17),
        subnet: random.hex("subnet-", 17),
        endpoint: random.hex("vpce-", 17),
        deploy_role: role(random, place, "/ci/", "deploy".to_owned()),
        container_role: role(random, place, "/", "shop-containers".to_owned()),
        service_role: role(random, place, "/aws-service-role/inspector2.amazonaws.com/", service.to_owned()),
        id,
    }
}

fn person(seed: u64, random: &mut Random, number: u32, accounts: usize) -> Person {
    let name = names::person(number);
    // The first few cover every duty, whatever the size.
    let duty = match number {
        0 => Duty::ItAdmin,
        1 => Duty::Platform,
        2 => Duty::Security,
        3..=6 => Duty::Developer,
        7 => Duty::Analyst,
        _ => match random.below(20) {
            0 => Duty::ItAdmin,
            1 | 2 => Duty::Platform,
            3 => Duty::Security,
            4..=14 => Duty::Developer,
            _ => Duty::Analyst,
        },
    };
    let permission_set = match duty {
        Duty::ItAdmin => "UserAdministrator",
        Duty::Platform => "PlatformEngineer",
        Duty::Security => "SecurityAudit",
        Duty::Developer => "Developer",
        Duty::Analyst => "DataReader",
    };
    let place = number as usize % accounts;
    // Reserved SSO roles are one for each permission set and account, shared by its people: the same pieces for
    // the same pair, so drawn from a stream of the pair alone.
    let shared = &mut Random::new(seed, Stream::PermissionSet((place as u32) << 8 | duty as u32));
    let sso = Role {
        account: place,
        path: "/aws-reserved/sso.amazonaws.com/".to_owned(),
        name: format!("AWSReservedSSO_{permission_set}_{}", shared.hex("", 16)),
        id: shared.id("AROA", 17),
    };
    let home = if number % 8 == 7 {
        format!("2001:db8:{:x}::{:x}", 0x100 + number, 1 + random.below(0xfff0))
    } else {
        format!("198.51.100.{}", 1 + number % 254)
    };
    Person {
        id: format!("person-{:04}", number + 1),
        duty,
        user: user(random, place, name.clone(), true),
        sso,
        email: format!("{name}@example.com"),
        home,
        office: format!("192.0.2.{}", 1 + number % 8),
        browser: random.word(&names::BROWSERS),
        listed: !(duty == Duty::Analyst && number % 3 == 2),
    }
}

fn user(random: &mut Random, account: usize, name: String, with_key: bool) -> User {
    let access_key = if with_key { random.id("AKIA", 16) } else { String::new() };
    User { account, name, id: random.id("AIDA", 17), access_key }
}

fn role(random: &mut Random, account: usize, path: &str, name: String) -> Role {
    Role { account, path: path.to_owned(), name, id: random.id("AROA", 17) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_lays_out_the_same_estate() {
        let text = |seed| Estate::new(seed, Size::MEDIUM).identities_toml();
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
    }

    #[test]
    fn ids_and_names_are_unique_at_the_greatest_size() {
        let all = Size { accounts: 99, people: 9999, pipelines: 999, jobs: 999, instances: 9999, functions: 9999 };
        let estate = Estate::new(3, all);
        let accounts: BTreeSet<&str> = estate.account_ids().collect();
        assert_eq!(accounts.len(), 64);
        assert!(accounts.iter().all(|id| id.len() == 12));
        let names: BTreeSet<&String> = estate.people.iter().map(|person| &person.user.name).collect();
        assert_eq!(names.len(), 2000);
        let ids: BTreeSet<&String> = estate.people.iter().map(|person| &person.user.id).collect();
        assert_eq!(ids.len(), 2000);
    }

    #[test]
    fn every_duty_is_held_at_the_least_size() {
        let none = Size { accounts: 0, people: 0, pipelines: 0, jobs: 0, instances: 0, functions: 0 };
        let estate = Estate::new(3, none);
        for duty in [Duty::ItAdmin, Duty::Platform, Duty::Security, Duty::Developer, Duty::Analyst] {
            assert!(!estate.with_duty(duty).is_empty(), "{duty:?}");
        }
    }
}
