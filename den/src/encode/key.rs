//! Map keys: the text that serde_json would write for them.

use den_backend::value::float_text;
use serde::{
    Serialize, Serializer,
    ser::{self, Impossible},
};

use super::check::{KEY_FLOAT, KEY_TYPE, Refused};

/// A serializer for a map key, which gives its text to `F`.
pub(super) struct KeySerializer<F>(pub(super) F);

/// Methods for keys of types with a text of their own.
macro_rules! by_text {
    ($($method:ident $type:ty),*) => {$(
        fn $method(self, it: $type) -> Result<(), Refused> {
            (self.0)(&it.to_string())
        }
    )*};
}

impl<F: FnOnce(&str) -> Result<(), Refused>> Serializer for KeySerializer<F> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Impossible<(), Refused>;
    type SerializeTuple = Impossible<(), Refused>;
    type SerializeTupleStruct = Impossible<(), Refused>;
    type SerializeTupleVariant = Impossible<(), Refused>;
    type SerializeMap = Impossible<(), Refused>;
    type SerializeStruct = Impossible<(), Refused>;
    type SerializeStructVariant = Impossible<(), Refused>;

    fn serialize_str(self, it: &str) -> Result<(), Refused> {
        (self.0)(it)
    }

    fn serialize_char(self, it: char) -> Result<(), Refused> {
        (self.0)(it.encode_utf8(&mut [0; 4]))
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Refused> {
        (self.0)(variant)
    }

    by_text!(
        serialize_bool bool,
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
        serialize_u128 u128
    );

    fn serialize_f32(self, it: f32) -> Result<(), Refused> {
        if !it.is_finite() {
            return Err(KEY_FLOAT);
        }
        (self.0)(&format!("{it:?}"))
    }

    fn serialize_f64(self, it: f64) -> Result<(), Refused> {
        if !it.is_finite() {
            return Err(KEY_FLOAT);
        }
        (self.0)(&float_text(it))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Refused> {
        Err(KEY_TYPE)
    }

    fn serialize_none(self) -> Result<(), Refused> {
        Err(KEY_TYPE)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        Err(KEY_TYPE)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Refused> {
        Err(KEY_TYPE)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Refused> {
        Err(KEY_TYPE)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Refused> {
        Err(KEY_TYPE)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Refused> {
        Err(KEY_TYPE)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleStruct, Refused> {
        Err(KEY_TYPE)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant, Refused> {
        Err(KEY_TYPE)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Refused> {
        Err(KEY_TYPE)
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStruct, Refused> {
        Err(KEY_TYPE)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant, Refused> {
        Err(KEY_TYPE)
    }
}

/// The text that `value` serializes to, as a key does.
pub(super) fn key_text<T: Serialize + ?Sized>(value: &T) -> Result<String, Refused> {
    let mut text = None;
    value.serialize(KeySerializer(|it: &str| {
        text = Some(it.to_owned());
        Ok(())
    }))?;
    text.ok_or_else(|| ser::Error::custom("a key was not written"))
}
