//! An operand as a checked [`Value`].

use std::collections::BTreeMap;

use den_backend::Value;
use serde::{Serialize, Serializer, ser};

use super::{
    check::{self, KEY_NUL, MAX_DEPTH, NUMBER_TOKEN, RAW, RAW_TOKEN, Refused, SHAPE, TOO_DEEP},
    key::key_text,
};

/// The value, or what is wrong with it.
pub(super) fn value<T: Serialize + ?Sized>(value: &T) -> Result<Value, String> {
    value
        .serialize(ValueSerializer { depth: 0 })
        .map_err(|refused| match refused {
            Refused::Value(it) | Refused::Key(it) => format!("the value {it}"),
            Refused::Custom(it) => it.into(),
        })
}

/// A serializer for a value that lies within `depth` arrays and objects.
#[derive(Debug, Clone, Copy)]
struct ValueSerializer {
    depth: usize,
}

/// An array under way.
#[derive(Debug)]
struct Items {
    inside: ValueSerializer,
    items: Vec<Value>,
    /// The variant whose content this is.
    variant: Option<&'static str>,
}

/// An object under way.
#[derive(Debug)]
struct Entries {
    inside: ValueSerializer,
    entries: BTreeMap<String, Value>,
    /// The key whose value comes next.
    key: Option<String>,
    /// The variant whose content this is.
    variant: Option<&'static str>,
}

/// The fields of a struct under way.
#[derive(Debug)]
enum Fields {
    Entries(Entries),
    /// A number that serde_json passes as text.
    Number(Value),
}

impl ValueSerializer {
    /// The serializer for what lies in a container here.
    fn inside(self) -> Result<Self, Refused> {
        if self.depth == MAX_DEPTH {
            return Err(TOO_DEEP);
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }

    fn items(self, len: usize, variant: Option<&'static str>) -> Result<Items, Refused> {
        Ok(Items {
            inside: self.inside()?,
            // A type may claim any length.
            items: Vec::with_capacity(len.min(1024)),
            variant,
        })
    }

    fn entries(self, variant: Option<&'static str>) -> Result<Entries, Refused> {
        Ok(Entries {
            inside: self.inside()?,
            entries: BTreeMap::new(),
            key: None,
            variant,
        })
    }
}

/// Methods for integers of all widths.
macro_rules! integers {
    ($($method:ident $type:ty),*) => {$(
        fn $method(self, it: $type) -> Result<Value, Refused> {
            check::integer(it).map(Value::Int)
        }
    )*};
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = Refused;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    integers!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
        serialize_u128 u128
    );

    fn serialize_bool(self, it: bool) -> Result<Value, Refused> {
        Ok(Value::Bool(it))
    }

    fn serialize_f32(self, it: f32) -> Result<Value, Refused> {
        check::widen(it).map(Value::Float)
    }

    fn serialize_f64(self, it: f64) -> Result<Value, Refused> {
        check::finite(it).map(Value::Float)
    }

    fn serialize_char(self, it: char) -> Result<Value, Refused> {
        self.serialize_str(it.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, it: &str) -> Result<Value, Refused> {
        check::text(it).map(Value::from)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, Refused> {
        self.inside()?;
        Ok(bytes
            .iter()
            .map(|it| Value::Int((*it).into()))
            .collect::<Vec<_>>()
            .into())
    }

    fn serialize_none(self) -> Result<Value, Refused> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Refused> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Refused> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, Refused> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value, Refused> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Value, Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Refused> {
        named(Some(variant), value.serialize(self.inside()?)?)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items, Refused> {
        self.items(len.unwrap_or(0), None)
    }

    fn serialize_tuple(self, len: usize) -> Result<Items, Refused> {
        self.items(len, None)
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<Items, Refused> {
        self.items(len, None)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items, Refused> {
        self.inside()?.items(len, Some(variant))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Entries, Refused> {
        self.entries(None)
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Fields, Refused> {
        match name {
            // Its one field follows.
            NUMBER_TOKEN => Ok(Fields::Number(Value::Null)),
            RAW_TOKEN => Err(RAW),
            _ => self.entries(None).map(Fields::Entries),
        }
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Fields, Refused> {
        self.inside()?.entries(Some(variant)).map(Fields::Entries)
    }
}

/// The value, within an object that names the variant if there is one.
fn named(variant: Option<&'static str>, value: Value) -> Result<Value, Refused> {
    let Some(variant) = variant else {
        return Ok(value);
    };
    check::text(variant).map_err(|_| KEY_NUL)?;
    Ok(Value::Object(BTreeMap::from([(variant.to_owned(), value)])))
}

impl Entries {
    fn insert(&mut self, key: String, value: Value) -> Result<(), Refused> {
        check::text(&key).map_err(|_| KEY_NUL)?;
        match self.entries.insert(key, value) {
            None => Ok(()),
            Some(_) => Err(Refused::Key("has a key that occurs twice")),
        }
    }

    fn end(self) -> Result<Value, Refused> {
        if self.key.is_some() {
            return Err(SHAPE);
        }
        named(self.variant, Value::Object(self.entries))
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.key = Some(key_text(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let key = self.key.take().ok_or(SHAPE)?;
        self.insert(key, value.serialize(self.inside)?)
    }

    fn end(self) -> Result<Value, Refused> {
        Entries::end(self)
    }
}

/// The traits of containers of values.
macro_rules! sequence {
    ($($trait:ident $method:ident),*) => {$(
        impl ser::$trait for Items {
            type Ok = Value;
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.items.push(value.serialize(self.inside)?);
                Ok(())
            }

            fn end(self) -> Result<Value, Refused> {
                named(self.variant, Value::Array(self.items))
            }
        }
    )*};
}

sequence!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

/// The traits of containers of named fields.
macro_rules! structure {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Fields {
            type Ok = Value;
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                match self {
                    Fields::Entries(it) => {
                        it.insert(key.to_owned(), value.serialize(it.inside)?)
                    }
                    Fields::Number(it) => {
                        *it = check::number(&key_text(value)?)?;
                        Ok(())
                    }
                }
            }

            fn end(self) -> Result<Value, Refused> {
                match self {
                    Fields::Entries(it) => it.end(),
                    Fields::Number(it) => Ok(it),
                }
            }
        }
    )*};
}

structure!(SerializeStruct, SerializeStructVariant);
