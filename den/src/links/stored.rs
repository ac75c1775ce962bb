//! Links as they are stored: ids.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::{
    Link,
    expanded::{self, Links},
};

impl<T: Serialize> Serialize for Link<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let id = self.id();
        match (expanded::mode(), self.get()) {
            (Links::Expanded, Some(document)) => return document.serialize(serializer),
            (Links::AsIdsOfStored, Some(_)) if id.is_empty() => {
                let message = "a link carries a document that is not stored yet; save that first";
                return Err(ser::Error::custom(message));
            }
            (Links::AsIds | Links::AsIdsOfStored | Links::Expanded, _) => {}
        }
        match id.is_empty() {
            true => serializer.serialize_none(),
            false => id.serialize(serializer),
        }
    }
}

impl<'de, T> Deserialize<'de> for Link<T> {
    fn deserialize<S: Deserializer<'de>>(deserializer: S) -> Result<Self, S::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = String;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id of a document, or null")
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<String, E> {
                match id {
                    "" => Err(E::custom("an id is not empty")),
                    _ => Ok(id.to_owned()),
                }
            }

            fn visit_unit<E: de::Error>(self) -> Result<String, E> {
                Ok(String::new())
            }

            fn visit_none<E: de::Error>(self) -> Result<String, E> {
                Ok(String::new())
            }

            fn visit_some<S: Deserializer<'de>>(self, it: S) -> Result<String, S::Error> {
                it.deserialize_any(self)
            }
        }

        deserializer.deserialize_any(Visitor).map(Self::to_id)
    }
}
