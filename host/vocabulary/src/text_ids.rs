//! The idiom of every enum whose members travel as text: [`text_ids!`](crate::text_ids) declares it, [`TextId`] is what
//! generic code asks of it.

use core::fmt;

/// An enum whose members have text ids, as [`text_ids!`](crate::text_ids) declares it.
pub trait TextId: Copy + Eq + fmt::Debug + fmt::Display + 'static {
    /// Every member, in written order.
    const ALL: &'static [Self];
    /// Every member's id, in the same order.
    const IDS: &'static [&'static str];

    /// The id that travels in WIT, TOML, JSON and the audit file.
    fn id(self) -> &'static str;

    /// What the member means: its doc comment.
    fn about(self) -> &'static str;

    /// The member with this id.
    fn from_id(id: &str) -> Option<Self>;
}

/// Text that is no member's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownId {
    /// The text.
    pub got: String,
    /// The ids that there are.
    pub expected: &'static [&'static str],
}

impl fmt::Display for UnknownId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected ")?;
        for (place, id) in self.expected.iter().enumerate() {
            let separator = match place {
                0 => "",
                _ if place + 1 == self.expected.len() => " or ",
                _ => ", ",
            };
            write!(f, "{separator}`{id}`")?;
        }
        write!(f, ", got `{}`", self.got)
    }
}

impl core::error::Error for UnknownId {}

/// Declares enums whose members have text ids.
///
/// Every member has a doc comment and an id. The enum gets `ALL`, `IDS`, `id`, `about`, `from_id`, [`Display`](fmt::Display)
/// (its id, padded as asked), [`FromStr`](core::str::FromStr) and [`TextId`]; and `Serialize` and `Deserialize` as its id where
/// this crate's feature `serde` is on. The order of members is the order of `Ord`.
///
/// ```
/// countersign_vocabulary::text_ids! {
///     /// How far a rule is rolled out.
///     #[derive(Default)]
///     pub enum Stage {
///         /// Nothing is done.
///         #[default]
///         Shadow = "shadow",
///         /// Alerts only.
///         NotifyOnly = "notify-only",
///     }
/// }
///
/// assert_eq!(Stage::NotifyOnly.id(), "notify-only");
/// assert_eq!(Stage::from_id("shadow"), Some(Stage::default()));
/// assert_eq!(Stage::Shadow.about(), "Nothing is done.");
/// let error = "shade".parse::<Stage>().unwrap_err();
/// assert_eq!(error.to_string(), "expected `shadow` or `notify-only`, got `shade`");
/// ```
#[macro_export]
macro_rules! text_ids {
    ($(
        $(#[$meta:meta])*
        $visibility:vis enum $name:ident {
            $($(#[doc = $about:literal])+ $(#[default $($never:tt)?])? $variant:ident = $id:literal,)+
        }
    )+) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility enum $name {
            $($(#[doc = $about])+ $(#[default] $($never)?)? $variant,)+
        }

        impl $name {
            /// Every member, in written order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// Every member's id, in the same order.
            pub const IDS: &'static [&'static str] = &[$($id,)+];

            /// The id that travels in WIT, TOML, JSON and the audit file.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $($name::$variant => $id,)+ }
            }

            /// What the member means: its doc comment.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $($name::$variant => concat!($($about),+).trim_ascii(),)+ }
            }

            /// The member with this id.
            #[must_use]
            pub fn from_id(id: &str) -> Option<$name> {
                match id { $($id => Some($name::$variant),)+ _ => None }
            }
        }

        impl $crate::TextId for $name {
            const ALL: &'static [Self] = $name::ALL;
            const IDS: &'static [&'static str] = $name::IDS;

            fn id(self) -> &'static str {
                $name::id(self)
            }

            fn about(self) -> &'static str {
                $name::about(self)
            }

            fn from_id(id: &str) -> Option<Self> {
                $name::from_id(id)
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.id())
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::UnknownId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $name::from_id(text).ok_or_else(|| $crate::UnknownId { got: text.to_owned(), expected: $name::IDS })
            }
        }

        $crate::__serde_as_text_id!($name);
    )+ };
}

// Two definitions rather than a `cfg` inside one: that would ask the features of the crate that uses `text_ids!`.

/// Part of [`text_ids!`](crate::text_ids).
#[cfg(feature = "serde")]
#[doc(hidden)]
#[macro_export]
macro_rules! __serde_as_text_id {
    ($name:ident) => {
        impl $crate::__serde::Serialize for $name {
            fn serialize<S: $crate::__serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.id())
            }
        }

        impl<'de> $crate::__serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let id =
                    <::std::borrow::Cow<'de, str> as $crate::__serde::Deserialize<'de>>::deserialize(deserializer)?;
                id.parse().map_err($crate::__serde::de::Error::custom)
            }
        }
    };
}

/// Part of [`text_ids!`](crate::text_ids).
#[cfg(not(feature = "serde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __serde_as_text_id {
    ($name:ident) => {};
}
