//! Reads a directory, in either form: TOML, or an identity a line as JSON. Both have the same record.
//!
//! A line is read and let go before the next one, so that hundreds of thousands take little more than what they say.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_document::{Diagnostic, Node, Problem, nearest, quoted};
use countersign_model::Account;
use countersign_model::vocabulary::{IdentityType, Tier};

use super::index::Index;
use super::names::{id, part, skeleton};
use super::person::Persons;
use super::shapes::cannot_match;
use super::{Directory, DirectoryIdentity, LinkedAccount};
use crate::MAX_BYTES;
use crate::reader::{Item, Reader, Table, flag, read_file};

/// Maximum bytes of a line: an identity with some thousand accounts.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Maximum number of warnings that are kept, and of unknown owners for which the nearest id is looked for.
const MAX_WARNINGS: usize = 100;
const MAX_NEAREST: usize = 5;

/// Maximum number of texts that are shared.
const MAX_SHARED: usize = 1_024;

/// Reads a directory. A text that begins with `{` is NDJSON: no TOML does.
pub(super) fn read(text: &str) -> Result<Directory, Vec<Diagnostic>> {
    if text.trim_start().starts_with('{') { read_lines(text) } else { read_toml(text) }
}

fn read_toml(text: &str) -> Result<Directory, Vec<Diagnostic>> {
    let mut draft = Draft::new(Form::Toml);
    read_file(text, |table| {
        for item in table.tables("identity") {
            draft.read_identity(item);
        }
        for item in table.tables("person") {
            draft.persons.read(item);
        }
        draft.finish(table.item().reader())
    })
}

fn read_lines(text: &str) -> Result<Directory, Vec<Diagnostic>> {
    if text.len() > MAX_BYTES {
        let expected = format!("a file of at most {MAX_BYTES} bytes");
        return Err(vec![Diagnostic::new("", expected, format!("{} bytes", text.len()))]);
    }
    let reader = Reader::new();
    let mut draft = Draft::new(Form::Lines);
    for (line, json) in (1..).zip(text.lines()) {
        if json.trim().is_empty() {
            continue;
        }
        if json.len() > MAX_LINE_BYTES {
            let expected = format!("a line of at most {MAX_LINE_BYTES} bytes");
            let got = format!("{} bytes", json.len());
            reader.push(Problem::OutOfRange, Diagnostic::new("", expected, got).with_line(Some(line)));
            continue;
        }
        match Node::parse_json(json, line) {
            Ok(node) => draft.read_line(reader.item(&node)),
            Err(diagnostic) => reader.push(Problem::InvalidValue, diagnostic),
        }
    }
    let directory = draft.finish(&reader);
    reader.finish(directory)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Toml,
    Lines,
}

/// Where an identity and its owner are in the file.
struct Lines {
    identity: u32,
    owner: u32,
}

/// A directory as far as it has been read, and where everything is: what concerns the file as a whole is checked at its end.
struct Draft {
    form: Form,
    identities: Vec<DirectoryIdentity>,
    persons: Persons,
    lines: Vec<Lines>,
    /// Line of each linked account and its place in the identity's list, which has those too that are at fault.
    accounts: Vec<(u32, u32)>,
    /// Texts that repeat.
    texts: BTreeSet<Arc<str>>,
    warnings: Vec<Diagnostic>,
    /// Providers that were warned of already.
    providers: Vec<String>,
    more_warnings: usize,
}

impl Draft {
    fn new(form: Form) -> Draft {
        Draft {
            form,
            identities: Vec::new(),
            persons: Persons::default(),
            lines: Vec::new(),
            accounts: Vec::new(),
            texts: BTreeSet::new(),
            warnings: Vec::new(),
            providers: Vec::new(),
            more_warnings: 0,
        }
    }

    /// A line: an identity, or `{"person": {…}}`.
    fn read_line(&mut self, item: Item<'_>) {
        if item.node().get("person").is_none() {
            return self.read_identity(item);
        }
        let Some(table) = item.table() else { return };
        if let Some(person) = table.get("person") {
            self.persons.read(person);
        }
        table.finish();
    }

    fn read_identity(&mut self, item: Item<'_>) {
        let Some(table) = item.table() else { return };
        let id = read_name(&table, "id", "the operator's stable id", id);
        let owner = table.get("owner");
        let mut accounts = Vec::new();
        for (place, item) in (0..).zip(table.tables("account")) {
            let Some(account) = self.read_account(item) else { continue };
            self.warn(item, &account.account);
            self.accounts.push((line_of(item), place));
            accounts.push(account);
        }
        accounts.shrink_to_fit();
        let environment = self.shared(&table, "environment");
        self.lines.push(Lines { identity: line_of(item), owner: owner.map_or(0, line_of) });
        self.identities.push(DirectoryIdentity {
            id: id.unwrap_or_default(),
            identity_type: table.get("type").and_then(|item| item.word::<IdentityType>("an identity type")),
            tier: table.get("tier").and_then(|item| item.word::<Tier>("a tier")).unwrap_or(Tier::Critical),
            environment,
            owner: owner.and_then(|item| item.text()).map(str::to_owned),
            protected: flag(&table, "protected"),
            break_glass: flag(&table, "break-glass"),
            accounts,
        });
        table.finish();
    }

    fn read_account(&mut self, item: Item<'_>) -> Option<LinkedAccount> {
        let table = item.table()?;
        let provider = read_name(&table, "provider", "such as `aws`", part);
        let tenant = read_name(&table, "tenant", "the provider's tenant", part);
        let subject = read_name(&table, "subject", "the immutable subject id within the tenant", part);
        let provenance = self.shared(&table, "provenance");
        table.finish();
        Some(LinkedAccount { account: Account::new(provider?, tenant?, subject?), provenance })
    }

    /// The text of a key that may be missing, shared with others of the same text as far as there are few of them.
    fn shared(&mut self, table: &Table<'_>, key: &'static str) -> Option<Arc<str>> {
        let text = table.get(key).and_then(|item| item.text())?;
        if let Some(known) = self.texts.get(text) {
            return Some(Arc::clone(known));
        }
        let text: Arc<str> = Arc::from(text);
        if self.texts.len() < MAX_SHARED {
            self.texts.insert(Arc::clone(&text));
        }
        Some(text)
    }

    /// Warns of an account that no record can have.
    fn warn(&mut self, item: Item<'_>, account: &Account) {
        let Some(mismatch) = cannot_match(account) else { return };
        let got = match mismatch.part {
            "provider" => {
                // Once is enough: it is likely that all accounts of it are wrong alike.
                if self.providers.contains(&account.provider) {
                    return;
                }
                if self.providers.len() < MAX_WARNINGS {
                    self.providers.push(account.provider.clone());
                }
                &account.provider
            }
            "tenant" => &account.tenant,
            _ => &account.subject,
        };
        if self.warnings.len() == MAX_WARNINGS {
            self.more_warnings += 1;
            return;
        }
        let node = item.node();
        let place = format!("{}.{}", node.place, mismatch.part);
        let hint = "no record has this, so that the account is never matched".to_owned();
        let warning = Diagnostic::new(place, mismatch.expected, quoted(got)).with_line(node.line);
        self.warnings.push(warning.with_hint(Some(hint)));
    }

    /// The directory, after the checks of the file as a whole: ids and accounts are there once, no id looks like another,
    /// and owners are in the file.
    fn finish(mut self, reader: &Reader) -> Directory {
        self.identities.shrink_to_fit();
        if self.more_warnings > 0 {
            let all = MAX_WARNINGS + self.more_warnings;
            let got = format!("{all}: these and {} more", self.more_warnings);
            self.warnings.push(Diagnostic::new("", format!("at most {MAX_WARNINGS} such accounts"), got));
        }
        let ids = (0..).zip(&self.identities).filter(|(_, identity)| !identity.id.is_empty());
        let by_id = Index::of(ids.map(|(place, identity)| (identity.id.as_str(), (place, 0))));
        let accounts = (0..).zip(&self.identities).flat_map(|(identity, facts)| {
            (0..).zip(&facts.accounts).map(move |(place, linked)| (&linked.account, (identity, place)))
        });
        let by_account = Index::of(accounts);
        self.check_once(&by_id, &by_account, reader);
        self.check_looks(reader);
        let Draft { form, lines, identities, persons, warnings, .. } = self;
        let mut directory = Directory { identities, persons: Vec::new(), by_id, by_account, warnings };
        check_owners(&directory, form, &lines, reader);
        directory.persons = persons.finish(&directory, reader);
        directory
    }

    fn check_once(&self, by_id: &Index, by_account: &Index, reader: &Reader) {
        let id = |place: u32| self.identities.get(place as usize).map(|identity| identity.id.as_str());
        for ((place, _), mut earlier) in by_id.repeated() {
            let Some((first, _)) = earlier.find(|(earlier, _)| id(*earlier) == id(place)) else { continue };
            let hint = format!("it is the id of {} already", self.named(first));
            let got = quoted(id(place).unwrap_or_default());
            self.refuse(reader, self.place(place), self.line(place), "an id once", got, hint);
        }
        // Where each identity's accounts begin among all accounts.
        let mut starts = Vec::with_capacity(self.identities.len());
        let mut count = 0;
        for identity in &self.identities {
            starts.push(count);
            count += identity.accounts.len();
        }
        let account = |(identity, place): (u32, u32)| {
            self.identities.get(identity as usize)?.accounts.get(place as usize).map(|linked| &linked.account)
        };
        for ((identity, place), mut earlier) in by_account.repeated() {
            let here = account((identity, place));
            let Some((first, _)) = earlier.find(|earlier| account(*earlier) == here) else { continue };
            let start = starts.get(identity as usize).copied().unwrap_or_default();
            let (line, written) = self.accounts.get(start + place as usize).copied().unwrap_or_default();
            let at = match self.form {
                Form::Toml => format!("{}.account[{written}]", self.place(identity)),
                Form::Lines => format!("account[{written}]"),
            };
            let hint = format!("it belongs to {} already", self.named(first));
            let got = quoted(&here.map(ToString::to_string).unwrap_or_default());
            self.refuse(reader, at, line, "an account once", got, hint);
        }
    }

    /// No two ids may look alike. Ids in ASCII alone may: machines make such ones, and letters that everybody can type
    /// are no disguise.
    fn check_looks(&self, reader: &Reader) {
        if self.identities.iter().all(|identity| identity.id.is_ascii()) {
            return;
        }
        let looks: Vec<String> = self.identities.iter().map(|identity| skeleton(&identity.id)).collect();
        let index = Index::of((0..).zip(&looks).map(|(place, look)| (look.as_str(), (place, 0))));
        let look = |place: u32| looks.get(place as usize);
        let id = |place: u32| self.identities.get(place as usize).map_or("", |identity| identity.id.as_str());
        for ((place, _), mut earlier) in index.repeated() {
            let is_alike = |other: u32| {
                look(other) == look(place) && id(other) != id(place) && !(id(other).is_ascii() && id(place).is_ascii())
            };
            let Some((other, _)) = earlier.find(|(earlier, _)| is_alike(*earlier)) else { continue };
            let hint = format!("it looks like {} of {}", quoted(id(other)), self.named(other));
            let got = quoted(id(place));
            self.refuse(reader, self.place(place), self.line(place), "an id that looks like no other", got, hint);
        }
    }

    fn refuse(&self, reader: &Reader, place: String, line: u32, expected: &str, got: String, hint: String) {
        let diagnostic = Diagnostic::new(place, expected, got).with_line(Some(line as usize)).with_hint(Some(hint));
        reader.push(Problem::DuplicateValue, diagnostic);
    }

    fn line(&self, identity: u32) -> u32 {
        self.lines.get(identity as usize).map_or(0, |lines| lines.identity)
    }

    /// Where an identity is, as diagnostics of its keys say it.
    fn place(&self, identity: u32) -> String {
        match self.form {
            Form::Toml => format!("identity[{identity}]"),
            Form::Lines => String::new(),
        }
    }

    /// An identity, for a hint.
    fn named(&self, identity: u32) -> String {
        match self.form {
            Form::Toml => format!("`identity[{identity}]`"),
            Form::Lines => format!("line {}", self.line(identity)),
        }
    }
}

/// Reports owners that aren't in the file.
fn check_owners(directory: &Directory, form: Form, lines: &[Lines], reader: &Reader) {
    let mut count = 0;
    for (place, (identity, lines)) in directory.identities.iter().zip(lines).enumerate() {
        let Some(owner) = identity.owner.as_deref().filter(|owner| directory.identity(owner).is_none()) else {
            continue;
        };
        count += 1;
        let ids = || directory.identities.iter().map(|identity| identity.id.as_str()).filter(|id| !id.is_empty());
        // Looking through all ids takes time.
        let near = (count <= MAX_NEAREST).then(|| nearest(owner, ids())).flatten();
        let at = match form {
            Form::Toml => format!("identity[{place}].owner"),
            Form::Lines => "owner".to_owned(),
        };
        let diagnostic = Diagnostic::new(at, "the id of an identity of this file", quoted(owner))
            .with_line(Some(lines.owner as usize))
            .with_hint(near.map(|near| format!("did you mean `{near}`?")));
        reader.push(Problem::UnknownWord, diagnostic);
    }
}

fn read_name(
    table: &Table<'_>,
    key: &'static str,
    expected: &str,
    read: impl for<'n> FnOnce(Item<'n>) -> Option<&'n str>,
) -> Option<String> {
    table.read(key, expected, read).map(str::to_owned)
}

/// The line of a value; every value of a file that is read has one.
fn line_of(item: Item<'_>) -> u32 {
    u32::try_from(item.node().line.unwrap_or_default()).unwrap_or(u32::MAX)
}
