//! `words!`: an enum that is a number on the wire, a kebab-case word in JSON and on the screen, and that survives a
//! value from a newer version as `Unrecognised(number)`.

/// Declares a closed vocabulary. See the module's head.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $number:literal => $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A value that only a newer version knows; the number is what the wire carried.
            Unrecognised(u32),
        }

        impl $name {
            /// Every word of this version, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self {
                    $(Self::$variant => $number,)+
                    Self::Unrecognised(number) => number,
                }
            }

            /// The word for a number from the wire; never fails.
            #[must_use]
            pub const fn from_number(number: u32) -> Self {
                match number {
                    $($number => Self::$variant,)+
                    other => Self::Unrecognised(other),
                }
            }

            /// The word as people and JSON see it; `unrecognised` for a newer version's value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unrecognised(_) => "unrecognised",
                }
            }

            /// The word written as `text`, or `None`.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    other => Some(Self::Unrecognised(other.strip_prefix("unrecognised-")?.parse().ok()?)),
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    Self::Unrecognised(number) => formatter.pad(&alloc::format!("unrecognised-{number}")),
                    known => formatter.pad(known.as_str()),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = alloc::string::String::deserialize(deserializer)?;
                Ok(Self::parse(&text).unwrap_or(Self::Unrecognised(0)))
            }
        }
    };
}

pub(crate) use words;
