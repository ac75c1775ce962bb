//! Links as they are stored: ids.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Link, expanded};

impl<T: Serialize> Serialize for Link<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if expanded::is_expanding()
            && let Some(document) = self.get()
        {
            return document.serialize(serializer);
        }
        if self.id().is_empty() {
            return serializer.serialize_none();
        }
        self.id().serialize(serializer)
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
