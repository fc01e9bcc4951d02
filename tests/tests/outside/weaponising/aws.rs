//! Records of CloudTrail.

use super::scene::{Feed, Scene, TENANT};

/// Who calls.
#[derive(Clone, Copy)]
pub(super) enum Caller {
    /// The person's user.
    User,
    /// The machine's user, with its key.
    Machine,
    /// The person's user of Identity Center.
    StoreUser,
    /// A user of an account of the outsider's own.
    Stranger,
    /// A session of a role of the outsider's own account, named after the person.
    Namesake,
}

/// Where a call comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// The person's network.
    Home,
    /// The machine's network.
    Server,
    /// Anywhere else.
    Elsewhere,
}

impl Origin {
    pub(super) fn address(self, scene: &Scene) -> String {
        match self {
            Origin::Home => scene.victim.home(),
            Origin::Server => scene.victim.server(),
            Origin::Elsewhere => scene.victim.elsewhere(),
        }
    }
}

fn identity(scene: &Scene, caller: Caller) -> String {
    let victim = scene.victim;
    let user = |id: &str, name: &str, key: &str| {
        format!(
            r#"{{"type":"IAMUser","principalId":"{id}","arn":"arn:aws:iam::{TENANT}:user/{name}","accountId":"{TENANT}","userName":"{name}"{key}}}"#
        )
    };
    match caller {
        Caller::User => user(&victim.user(), &victim.name(), ""),
        Caller::Machine => {
            let key = format!(r#","accessKeyId":"AKIAMACHIN{:06}""#, victim.0);
            user(&victim.machine(), &format!("machine{}", victim.0), &key)
        }
        Caller::StoreUser => format!(
            r#"{{"type":"IdentityCenterUser","accountId":"{TENANT}","onBehalfOf":{{"userId":"{}","identityStoreArn":"arn:aws:identitystore::{TENANT}:identitystore/d-1234567890"}}}}"#,
            victim.store_user()
        ),
        Caller::Stranger => {
            r#"{"type":"AWSAccount","principalId":"AIDASTRANGER","accountId":"999988887777"}"#.to_owned()
        }
        Caller::Namesake => format!(
            r#"{{"type":"AssumedRole","principalId":"AROASTRANGER:{name}","arn":"arn:aws:sts::999988887777:assumed-role/r/{name}","accountId":"999988887777","accessKeyId":"ASIASTRANGER","sessionContext":{{"sourceIdentity":"{name}","sessionIssuer":{{"type":"Role","principalId":"AROASTRANGER","arn":"arn:aws:iam::999988887777:role/r","accountId":"999988887777","userName":"{name}"}}}}}}"#,
            name = victim.name()
        ),
    }
}

/// One call. `rest` are more members, each with a comma behind it.
pub(super) fn call(
    scene: &mut Scene,
    who: (Caller, Origin),
    kind: &str,
    (service, operation): (&str, &str),
    rest: &str,
) {
    let (identity, address) = (identity(scene, who.0), who.1.address(scene));
    scene.deliver(Feed::Trail, |stamp| {
        format!(
            r#"{{"eventVersion":"1.10","userIdentity":{identity},"eventTime":"{}","eventSource":"{service}.amazonaws.com","eventName":"{operation}","awsRegion":"us-east-1","sourceIPAddress":"{address}",{rest}"eventID":"{}","eventType":"{kind}","recipientAccountId":"{TENANT}"}}"#,
            stamp.time, stamp.id
        )
    });
}

/// A step of a sign-in to the console, with what the service says of it.
pub(super) fn sign_in(scene: &mut Scene, who: (Caller, Origin), operation: &str, result: &str, factor: &str) {
    let failed = if result == "Failure" { r#""errorMessage":"Failed authentication","# } else { "" };
    let rest = format!(
        r#"{failed}"responseElements":{{"{operation}":"{result}"}},"additionalEventData":{{"MFAUsed":"{factor}"}},"#
    );
    call(scene, who, "AwsConsoleSignIn", ("signin", operation), &rest);
}

/// A step of a sign-in that the service reports about itself, as for the access portal.
pub(super) fn portal(scene: &mut Scene, who: (Caller, Origin), operation: &str, result: &str) {
    let rest = format!(r#""serviceEventDetails":{{"{operation}":"{result}"}},"#);
    call(scene, who, "AwsServiceEvent", ("signin", operation), &rest);
}

/// Operations that are asked for one after another to see what a credential may do.
const OPERATIONS: [(&str, &str); 8] = [
    ("iam", "ListUsers"),
    ("iam", "ListRoles"),
    ("s3", "ListBuckets"),
    ("ec2", "DescribeInstances"),
    ("rds", "DescribeDBInstances"),
    ("lambda", "ListFunctions"),
    ("kms", "ListKeys"),
    ("secretsmanager", "ListSecrets"),
];

/// So many calls that fail with this code.
pub(super) fn failing(scene: &mut Scene, who: (Caller, Origin), count: usize, code: &str, message: &str) {
    let rest = format!(r#""errorCode":"{code}","errorMessage":"{message}","#);
    for number in 0..count {
        call(scene, who, "AwsApiCall", OPERATIONS[number % OPERATIONS.len()], &rest);
    }
}
