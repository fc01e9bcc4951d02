//! Records of Okta's System Log, in the key order in which the provider writes them.

pub(crate) mod acts;

use countersign_model::Timestamp;
use serde::Serialize;

use crate::estate::org::{DOMAIN, Device, Member, Site};
use crate::json::{Json, list, object};
use crate::random::Random;
use crate::time::format_millis;

/// Where an act came from: a device at a site.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'a> {
    pub(crate) device: &'a Device,
    pub(crate) site: &'a Site,
}

/// Something that the org logs.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) event_type: &'static str,
    pub(crate) message: &'static str,
    pub(crate) legacy: Json,
    /// `SUCCESS`, `FAILURE`, `CHALLENGE`, `ALLOW` and so on.
    pub(crate) result: &'static str,
    pub(crate) reason: Json,
    pub(crate) severity: &'static str,
    pub(crate) actor: Json,
    /// Null where the org itself acts.
    pub(crate) client: Json,
    pub(crate) device: Json,
    pub(crate) security: Json,
    pub(crate) chain: Json,
    /// The session's id; empty where there is none.
    pub(crate) session: String,
    /// What kind of credential was shown.
    pub(crate) credential: Json,
    pub(crate) debug: Vec<(&'static str, Json)>,
    pub(crate) target: Vec<Json>,
}

impl Act {
    /// A successful act of a member from somewhere.
    pub(crate) fn of(
        event_type: &'static str,
        message: &'static str,
        actor: &Member,
        client: Client<'_>,
        session: &str,
    ) -> Act {
        let Client { device, site } = client;
        let place = object! {
            "city" => site.city,
            "state" => Json::Null,
            "country" => site.country,
            "postalCode" => Json::Null,
            "geolocation" => object! {
                "lat" => Json::TenThousandths(site.latitude),
                "lon" => Json::TenThousandths(site.longitude),
            },
        };
        let version = if site.address.contains(':') { "V6" } else { "V4" };
        Act {
            actor: user(actor),
            client: object! {
                "userAgent" => object! {
                    "rawUserAgent" => device.agent,
                    "os" => device.system,
                    "browser" => device.browser,
                },
                "zone" => "null",
                "device" => device.kind,
                "id" => Json::Null,
                "ipAddress" => &site.address,
                "geographicalContext" => place.clone(),
            },
            device: if device.id.is_empty() {
                Json::Null
            } else {
                object! {
                    "id" => &device.id,
                    "name" => "managed",
                    "os_platform" => device.platform,
                    "managed" => true,
                    "registered" => true,
                }
            },
            security: object! {
                "asNumber" => site.network,
                "asOrg" => site.provider,
                "isp" => site.provider,
                "domain" => Json::Null,
                "isProxy" => false,
            },
            chain: list![object! {
                "ip" => &site.address,
                "geographicalContext" => place,
                "version" => version,
                "source" => Json::Null,
            }],
            session: session.to_owned(),
            ..Act::of_the_org(event_type, message)
        }
    }

    /// An act of the org itself.
    pub(crate) fn of_the_org(event_type: &'static str, message: &'static str) -> Act {
        Act {
            event_type,
            message,
            legacy: Json::Null,
            result: "SUCCESS",
            reason: Json::Null,
            severity: "INFO",
            actor: object! {
                "id" => "okta.system.00000000",
                "type" => "SystemPrincipal",
                "alternateId" => "system@okta.com",
                "displayName" => "Okta System",
                "detailEntry" => Json::Null,
            },
            client: Json::Null,
            device: Json::Null,
            security: Json::Null,
            chain: list![],
            session: String::new(),
            credential: Json::Null,
            debug: Vec::new(),
            target: Vec::new(),
        }
    }

    pub(crate) fn legacy(mut self, legacy: &'static str) -> Act {
        self.legacy = legacy.into();
        self
    }

    /// The same with a result that isn't success.
    pub(crate) fn ended(mut self, result: &'static str, reason: impl Into<Json>, severity: &'static str) -> Act {
        (self.result, self.reason, self.severity) = (result, reason.into(), severity);
        self
    }

    pub(crate) fn credential(mut self, credential: &'static str) -> Act {
        self.credential = credential.into();
        self
    }

    pub(crate) fn debug(mut self, key: &'static str, value: impl Into<Json>) -> Act {
        self.debug.push((key, value.into()));
        self
    }

    pub(crate) fn target(mut self, target: Json) -> Act {
        self.target.push(target);
        self
    }
}

/// A member as records name them.
pub(crate) fn user(member: &Member) -> Json {
    object! {
        "id" => &member.id,
        "type" => "User",
        "alternateId" => &member.email,
        "displayName" => &member.name,
        "detailEntry" => Json::Null,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    actor: &'a Json,
    client: Json,
    device: &'a Json,
    authentication_context: Json,
    display_message: &'a str,
    event_type: &'a str,
    outcome: Json,
    published: String,
    security_context: &'a Json,
    severity: &'a str,
    debug_context: Json,
    legacy_event_type: &'a Json,
    transaction: Json,
    uuid: &'a str,
    version: &'a str,
    request: Json,
    target: &'a [Json],
}

/// Writes the record of an act; its id and its JSON.
pub(crate) fn record(random: &mut Random, time: Timestamp, act: &Act) -> (String, String) {
    let uuid = random.uuid();
    let request = random.hex("", 32);
    let mut debug = vec![("requestId", Json::from(&request)), ("requestHost", DOMAIN.into())];
    debug.extend(act.debug.iter().cloned());
    let session = if act.session.is_empty() { Json::from("unknown") } else { Json::from(&act.session) };
    let no_client = object! {
        "userAgent" => Json::Null,
        "zone" => Json::Null,
        "device" => Json::Null,
        "id" => Json::Null,
        "ipAddress" => Json::Null,
        "geographicalContext" => Json::Null,
    };
    let record = Record {
        actor: &act.actor,
        client: if act.client.is_null() { no_client } else { act.client.clone() },
        device: &act.device,
        authentication_context: object! {
            "authenticationProvider" => Json::Null,
            "credentialProvider" => Json::Null,
            "credentialType" => act.credential.clone(),
            "issuer" => Json::Null,
            "interface" => Json::Null,
            "authenticationStep" => 0,
            "externalSessionId" => session.clone(),
            "rootSessionId" => session,
        },
        display_message: act.message,
        event_type: act.event_type,
        outcome: object! { "result" => act.result, "reason" => act.reason.clone() },
        published: format_millis(time),
        security_context: &act.security,
        severity: act.severity,
        debug_context: object! { "debugData" => Json::Object(debug) },
        legacy_event_type: &act.legacy,
        transaction: object! { "type" => "WEB", "id" => request, "detail" => Json::Object(Vec::new()) },
        uuid: &uuid,
        version: "0",
        request: object! { "ipChain" => act.chain.clone() },
        target: &act.target,
    };
    // Strings, numbers and objects with text keys always serialise.
    let line = serde_json::to_string(&record).unwrap_or_default();
    (uuid, line)
}
