//! `facts!`: a struct of observed values in which a value that is not known says why.
//!
//! Each struct has a twin, its reading: the same fields as `Reading<T>`, so that a probe cannot forget one. Turning
//! the reading into facts moves every reason into `unknown`, which is also the JSON shape people script against.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// Why a value is not known.
    pub enum ValueState {
        /// The thing is not there: no such file, device or unit.
        Absent = 1 => "absent",
        /// The agent, or its missing helper, may not read it.
        Denied = 2 => "denied",
        /// It did not answer before its deadline.
        Timeout = 3 => "timeout",
        /// Reading it would wake a sleeping device.
        Asleep = 4 => "asleep",
        /// It has no meaning on this machine.
        NotApplicable = 5 => "not-applicable",
        /// It was read and made no sense, or the read failed.
        Error = 6 => "error",
        /// This version does not read it yet; `docs/AGENT.md` lists these.
        NotImplemented = 7 => "not-implemented",
    }
}

/// Why one value is not known, in a state a program can match and a sentence a person can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// The kind of not knowing.
    pub state: ValueState,
    /// One sentence without a final period; may be empty where the state says it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Unknown {
    /// An unknown value with a reason.
    pub fn new(state: ValueState, message: impl ToString) -> Self {
        Self { state, message: crate::clean(&message.to_string()) }
    }

    /// [`ValueState::Absent`] with a reason.
    pub fn absent(message: impl ToString) -> Self {
        Self::new(ValueState::Absent, message)
    }

    /// [`ValueState::Denied`] with a reason.
    pub fn denied(message: impl ToString) -> Self {
        Self::new(ValueState::Denied, message)
    }

    /// [`ValueState::NotApplicable`] with a reason.
    pub fn not_applicable(message: impl ToString) -> Self {
        Self::new(ValueState::NotApplicable, message)
    }

    /// [`ValueState::Error`] with a reason.
    pub fn error(message: impl ToString) -> Self {
        Self::new(ValueState::Error, message)
    }
}

/// A value that this version does not read yet.
///
/// # Errors
/// Always: it is the reading that says so.
pub fn not_implemented<T>() -> Reading<T> {
    Err(Unknown { state: ValueState::NotImplemented, message: String::new() })
}

/// A value, or why there is none.
pub type Reading<T> = Result<T, Unknown>;

/// The values of one object that are not known, by their JSON field name.
pub type Unknowns = BTreeMap<String, Unknown>;

/// What every struct of facts offers, for laws that hold over all of them.
pub trait Facts {
    /// Fields that are neither known nor listed as unknown, by JSON name. Always empty for what a probe made.
    fn unexplained(&self) -> Vec<String>;
}

/// `some_field` as JSON names it: `someField`.
#[must_use]
pub fn json_name(field: &str) -> String {
    let mut name = String::with_capacity(field.len());
    let mut upper = false;
    for character in field.chars() {
        match (character, upper) {
            ('_', _) => upper = true,
            (_, true) => {
                name.extend(character.to_uppercase());
                upper = false;
            }
            (_, false) => name.push(character),
        }
    }
    name
}

/// Declares a struct of facts and its reading. See the module's head.
macro_rules! facts {
    ($(#[$meta:meta])* pub struct $name:ident from $reading:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
            /// Why the values that are absent above are not known.
            #[serde(skip_serializing_if = "alloc::collections::BTreeMap::is_empty")]
            pub unknown: $crate::facts::Unknowns,
        }

        #[doc = concat!("Every value of [`", stringify!($name), "`] as it was read.")]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $reading {
            $($(#[$doc])* pub $field: $crate::facts::Reading<$type>,)+
        }

        impl From<$reading> for $name {
            fn from(reading: $reading) -> Self {
                let mut unknown = $crate::facts::Unknowns::new();
                $(let $field = match reading.$field {
                    Ok(value) => Some(value),
                    Err(reason) => {
                        unknown.insert($crate::facts::json_name(stringify!($field)), reason);
                        None
                    }
                };)+
                Self { $($field,)+ unknown }
            }
        }

        impl $crate::facts::Facts for $name {
            fn unexplained(&self) -> alloc::vec::Vec<alloc::string::String> {
                let mut missing = alloc::vec::Vec::new();
                $(let name = $crate::facts::json_name(stringify!($field));
                if self.$field.is_none() && !self.unknown.contains_key(&name) {
                    missing.push(name);
                })+
                missing
            }
        }
    };
}

pub(crate) use facts;
