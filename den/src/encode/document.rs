//! A document as checked JSON text, in one pass.

use std::fmt;

use serde::{Serialize, Serializer, ser};

use super::{
    check::{self, NUMBER_TOKEN, RAW, RAW_TOKEN, Refused},
    key::{KeySerializer, key_text},
    writer::{Kind, Writer},
};

/// The JSON text of `value`, or what is wrong with it and where.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, String> {
    let mut writer = Writer::new();
    if let Err(refused) = value.serialize(&mut writer) {
        return Err(writer.explain(&refused));
    }
    writer.finish().map_err(str::to_owned)
}

/// An array or object under way.
#[derive(Debug)]
pub(super) struct Compound<'w> {
    writer: &'w mut Writer,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One array or object.
    Plain,
    /// One within an object that names the variant.
    Variant,
    /// A number that serde_json passes as text.
    Number,
}

/// Methods for integers of all widths.
macro_rules! integers {
    ($($method:ident $type:ty),*) => {$(
        #[inline]
        fn $method(self, it: $type) -> Result<(), Refused> {
            self.integer(check::integer(it)?)
        }
    )*};
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Compound<'w>;
    type SerializeTuple = Compound<'w>;
    type SerializeTupleStruct = Compound<'w>;
    type SerializeTupleVariant = Compound<'w>;
    type SerializeMap = Compound<'w>;
    type SerializeStruct = Compound<'w>;
    type SerializeStructVariant = Compound<'w>;

    integers!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
        serialize_u128 u128
    );

    #[inline]
    fn serialize_bool(self, it: bool) -> Result<(), Refused> {
        self.word(if it { "true" } else { "false" });
        Ok(())
    }

    fn serialize_f32(self, it: f32) -> Result<(), Refused> {
        self.float(check::widen(it)?)
    }

    fn serialize_f64(self, it: f64) -> Result<(), Refused> {
        self.float(check::finite(it)?)
    }

    fn serialize_char(self, it: char) -> Result<(), Refused> {
        self.text(it.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, it: &str) -> Result<(), Refused> {
        self.text(it)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Refused> {
        self.displayed(&value)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Refused> {
        self.open(Kind::Array)?;
        for it in bytes {
            self.element(it)?;
        }
        self.close();
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Refused> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Refused> {
        self.word("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Refused> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Refused> {
        self.text(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.open(Kind::Object)?;
        self.key(variant)?;
        self.value(value)?;
        self.close();
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Compound<'w>, Refused> {
        Compound::open(self, Kind::Array)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Compound<'w>, Refused> {
        Compound::open(self, Kind::Array)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Compound<'w>, Refused> {
        Compound::open(self, Kind::Array)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Compound<'w>, Refused> {
        Compound::variant(self, variant, Kind::Array)
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Compound<'w>, Refused> {
        Compound::open(self, Kind::Object)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Compound<'w>, Refused> {
        match name {
            NUMBER_TOKEN => Ok(Compound {
                writer: self,
                shape: Shape::Number,
            }),
            RAW_TOKEN => Err(RAW),
            _ => Compound::open(self, Kind::Object),
        }
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Compound<'w>, Refused> {
        Compound::variant(self, variant, Kind::Object)
    }
}

impl<'w> Compound<'w> {
    #[inline]
    fn open(writer: &'w mut Writer, kind: Kind) -> Result<Self, Refused> {
        writer.open(kind)?;
        Ok(Self {
            writer,
            shape: Shape::Plain,
        })
    }

    fn variant(writer: &'w mut Writer, variant: &str, kind: Kind) -> Result<Self, Refused> {
        writer.open(Kind::Object)?;
        writer.key(variant)?;
        writer.open(kind)?;
        Ok(Self {
            writer,
            shape: Shape::Variant,
        })
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Refused> {
        if self.shape == Shape::Number {
            return self.writer.value(&check::number(&key_text(value)?)?);
        }
        self.writer.key(key)?;
        self.writer.value(value)
    }

    #[inline]
    fn close(self) {
        match self.shape {
            Shape::Plain => self.writer.close(),
            Shape::Variant => {
                self.writer.close();
                self.writer.close();
            }
            Shape::Number => {}
        }
    }
}

/// The traits of containers of values.
macro_rules! sequence {
    ($($trait:ident $method:ident),*) => {$(
        impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.writer.element(value)
            }

            fn end(self) -> Result<(), Refused> {
                self.close();
                Ok(())
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
        impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = Refused;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.field(key, value)
            }

            fn end(self) -> Result<(), Refused> {
                self.close();
                Ok(())
            }
        }
    )*};
}

structure!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        key.serialize(KeySerializer(|text: &str| self.writer.key(text)))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.writer.value(value)
    }

    fn end(self) -> Result<(), Refused> {
        self.close();
        Ok(())
    }
}
