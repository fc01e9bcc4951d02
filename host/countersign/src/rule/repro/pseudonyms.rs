//! Pseudonyms: the same one for the same text everywhere, with the same form where rules look at forms. They are numbered
//! in the order of their texts, so nothing of a text can be derived from its pseudonym.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::words;

/// Where a machine in a cloud asks about itself, the same for all.
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// Texts and addresses with the pseudonyms that stand for them.
#[derive(Default)]
pub(super) struct Pseudonyms {
    texts: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, u64>,
    /// IPv4 addresses by their first 24 bits, IPv6 by their first 64: each network's number and its members'.
    networks: BTreeMap<u128, (u64, BTreeMap<IpAddr, u64>)>,
    /// Texts in the rule's own filter.
    kept: Vec<String>,
}

impl Pseudonyms {
    /// Keeps a text as it is: one in the rule's own filter.
    pub(super) fn keep(&mut self, text: &str) {
        self.kept.push(text.to_owned());
    }

    /// Whether a text is in the rule's own filter.
    pub(super) fn is_kept(&self, text: &str) -> bool {
        self.kept.iter().any(|kept| kept == text)
    }

    /// The number that stands for one of more than [`words::MAX_DIGITS`] digits: the same for the same. Others stay.
    pub(super) fn number(&mut self, digits: &str) -> Option<u64> {
        if !words::has_number(digits) {
            return None;
        }
        let made = self.text(&format!("number {digits}"), "number");
        // Above all that stay.
        Some(10_000 + made.rsplit('-').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or_default())
    }

    /// The pseudonym of a text; `word` is its kind where its form doesn't show it.
    pub(super) fn text(&mut self, text: &str, word: &'static str) -> String {
        if words::is_plain(text) || self.is_kept(text) {
            return text.to_owned();
        }
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let made = self.shaped(text).unwrap_or_else(|| self.numbered(word));
        self.texts.insert(text.to_owned(), made.clone());
        made
    }

    /// The pseudonym of an address: from the ranges for documentation (RFC 5737, RFC 3849), then those for benchmarks (RFC
    /// 2544); a private one for a private one. Two addresses of one /24 or /64 stay together.
    pub(super) fn address(&mut self, address: IpAddr) -> IpAddr {
        let address = address.to_canonical();
        let (network, private) = match address {
            IpAddr::V4(v4) if v4.is_loopback() || v4.is_unspecified() || v4 == METADATA => return address,
            IpAddr::V6(v6) if v6.is_loopback() || v6.is_unspecified() => return address,
            IpAddr::V4(v4) => (u128::from(v4.to_bits() >> 8), v4.is_private() || v4.is_link_local()),
            // Above all of those of IPv4. An address of a link may have the machine's own number in it.
            IpAddr::V6(v6) => (1 << 64 | v6.to_bits() >> 64, v6.is_unique_local() || v6.is_unicast_link_local()),
        };
        let kind = match (address, private) {
            (IpAddr::V4(_), false) => "network",
            (IpAddr::V4(_), true) => "private network",
            (IpAddr::V6(_), false) => "network of IPv6",
            (IpAddr::V6(_), true) => "private network of IPv6",
        };
        if !self.networks.contains_key(&network) {
            let number = self.count(kind);
            self.networks.insert(network, (number, BTreeMap::new()));
        }
        let Some((number, members)) = self.networks.get_mut(&network) else { return address };
        let next = members.len() as u64 + 1;
        let member = *members.entry(address).or_insert(next);
        let (number, byte) = (*number, u8::try_from(member % 255).unwrap_or(1));
        let low = |value: u64| u8::try_from(value % 256).unwrap_or_default();
        match (address, private) {
            (IpAddr::V4(_), true) => Ipv4Addr::new(10, low(number / 256), low(number), byte).into(),
            (IpAddr::V4(_), false) => {
                let [a, b, c] = match number {
                    1 => [192, 0, 2],
                    2 => [198, 51, 100],
                    3 => [203, 0, 113],
                    more => [198, 18 + low(more / 256) % 2, low(more)],
                };
                Ipv4Addr::new(a, b, c, byte).into()
            }
            (IpAddr::V6(_), private) => {
                let head: u128 = if private { 0xfd00_0000 } else { 0x2001_0db8 };
                Ipv6Addr::from_bits(head << 96 | u128::from(number) << 64 | u128::from(member)).into()
            }
        }
    }

    fn count(&mut self, kind: &'static str) -> u64 {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        *count
    }

    fn numbered(&mut self, word: &'static str) -> String {
        format!("{word}-{}", self.count(word))
    }

    /// The pseudonym for a text of a known form.
    fn shaped(&mut self, text: &str) -> Option<String> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(self.address(address).to_string());
        }
        if text.starts_with("arn:") {
            return self.arn(text);
        }
        if text.starts_with("S-1-") {
            return Some(self.security_id(text));
        }
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = self.count("account");
            return Some(format!("11112222{:04}", (3_332 + number) % 10_000));
        }
        if let Some((domain, name)) = text.split_once('\\') {
            return Some(format!("{}\\{}", self.text(domain, "domain"), self.text(name, "name")));
        }
        if let Some((name, domain)) = text.rsplit_once('@') {
            let domain = self.text(domain, "domain");
            let domain = if domain.contains('.') { domain } else { format!("{domain}.example") };
            return Some(format!("{}@{domain}", self.text(name, "name")));
        }
        if let Some(host) = text.strip_suffix('$').filter(|host| !host.is_empty()) {
            return Some(format!("{}$", self.text(host, "host")));
        }
        // A role's id with the name of its session.
        if let Some((id, session)) = text.split_once(':').filter(|(id, _)| words::aws_id_kind(id).is_some()) {
            return Some(format!("{}:{}", self.text(id, "id"), self.text(session, "session")));
        }
        if let Some(kind) = words::aws_id_kind(text) {
            let number = self.count("id of AWS");
            return Some(format!("{kind}EXAMPLE{number:09}"));
        }
        // Only a user's id of Okta is one person's.
        if text.len() == 20 && text.starts_with("00u") && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let number = self.count("user of Okta");
            return Some(format!("00uEXAMPLE{number:010}"));
        }
        None
    }

    /// `arn:partition:service:region:account:resource`. Policies of AWS itself stay.
    fn arn(&mut self, text: &str) -> Option<String> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [arn, partition, service, region, account, resource] = parts.as_slice() else { return None };
        let known = |text: &str, is_known: fn(&str) -> bool| text.is_empty() || is_known(text);
        let mut part = |text: &str, is_known: fn(&str) -> bool, word| {
            if known(text, is_known) { text.to_owned() } else { self.text(text, word) }
        };
        let partition = part(partition, words::is_partition, "partition");
        let service = part(service, words::is_service, "service");
        let region = part(region, words::is_region, "region");
        let of_aws =
            *account == "aws" && service == "iam" && resource.starts_with("policy/") && words::is_word(resource);
        let account = if of_aws { (*account).to_owned() } else { self.text(account, "account") };
        let mut shown = format!("{arn}:{partition}:{service}:{region}:{account}:");
        for (place, part) in resource.split_inclusive(['/', ':']).enumerate() {
            let name = part.trim_end_matches(['/', ':']);
            let stays = of_aws || place == 0 && words::is_resource(name);
            shown.push_str(&if stays { name.to_owned() } else { self.text(name, "name") });
            shown.push_str(part.get(name.len()..).unwrap_or_default());
        }
        Some(shown)
    }

    /// A security id of a domain: the domain and the relative id are replaced; relative ids that every domain has stay.
    fn security_id(&mut self, text: &str) -> String {
        let Some(rest) = text.strip_prefix("S-1-5-21-") else {
            // The same on every machine, or one of a cloud directory, a service, an application.
            let same = text.split('-').skip(1).all(is_short_number);
            return if same { text.to_owned() } else { format!("S-1-12-1-1-1-1-{}", self.count("security id")) };
        };
        let parts: Vec<&str> = rest.splitn(4, '-').collect();
        let domain = parts.iter().take(3).copied().collect::<Vec<_>>().join("-");
        let known = format!("S-1-5-21-{domain}");
        let domain = match self.texts.get(&known) {
            Some(made) => made.clone(),
            None => {
                let made = format!("S-1-5-21-1000-2000-{}", 3_000 + self.count("security domain"));
                self.texts.insert(known, made.clone());
                made
            }
        };
        match parts.get(3) {
            None => domain,
            Some(relative) if relative.len() <= 3 && is_short_number(relative) => format!("{domain}-{relative}"),
            Some(_) => format!("{domain}-{}", 1_100 + self.count("security id")),
        }
    }
}

fn is_short_number(text: &str) -> bool {
    (1..=words::MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn one_text_has_one_pseudonym_everywhere() {
        let mut names = Pseudonyms::default();
        names.keep("ConsoleLogin");
        let shown = [
            ("mallory", "name-1"),
            ("arn:aws:iam::123456789012:user/mallory", "arn:aws:iam::111122223333:user/name-1"),
            ("123456789012", "111122223333"),
            ("mallory@corp.test", "name-1@domain-1.example"),
            ("CORP\\mallory", "domain-2\\name-1"),
            ("AIDAABCDEFGHIJKLMNOP", "AIDAEXAMPLE000000001"),
            ("AROAABCDEFGHIJKLMNOP:mallory", "AROAEXAMPLE000000002:name-1"),
            (
                "arn:aws:sts::123456789012:assumed-role/Admin/mallory",
                "arn:aws:sts::111122223333:assumed-role/name-2/name-1",
            ),
            ("arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/AdministratorAccess"),
            ("00u1a2b3c4d5e6f7g8h9", "00uEXAMPLE0000000001"),
            ("S-1-5-21-1-2-3-1104", "S-1-5-21-1000-2000-3001-1101"),
            ("S-1-5-21-1-2-3-500", "S-1-5-21-1000-2000-3001-500"),
            ("S-1-5-21-1-2-3", "S-1-5-21-1000-2000-3001"),
            ("S-1-5-18", "S-1-5-18"),
            ("DC01$", "host-1$"),
            ("DC01", "host-1"),
            ("ConsoleLogin", "ConsoleLogin"),
            ("Success", "Success"),
        ];
        for (text, expected) in shown {
            assert_eq!(names.text(text, "name"), expected, "{text}");
            assert_eq!(names.text(text, "other"), expected, "{text} again");
        }
    }

    #[test]
    fn addresses_of_one_network_stay_together_and_of_two_apart() {
        let mut names = Pseudonyms::default();
        let shown = [
            ("8.8.8.8", "192.0.2.1"),
            ("8.8.8.9", "192.0.2.2"),
            ("8.8.4.4", "198.51.100.1"),
            ("::ffff:8.8.8.8", "192.0.2.1"),
            ("10.1.2.3", "10.0.1.1"),
            ("9.9.9.9", "203.0.113.1"),
            ("7.7.7.7", "198.18.4.1"),
            ("2a00:1:2:3::9", "2001:db8:0:1::1"),
            ("2a00:1:2:3:4::9", "2001:db8:0:1::2"),
            ("2a00:1:2:4::9", "2001:db8:0:2::1"),
            ("127.0.0.1", "127.0.0.1"),
        ];
        for (address, expected) in shown {
            assert_eq!(names.address(address.parse().unwrap()).to_string(), expected, "{address}");
        }
        assert_eq!(names.text("8.8.8.9", "name"), "192.0.2.2", "also as text");
    }
}
