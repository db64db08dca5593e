//! Reading CSV as it is written: every value a text. An empty value is null where it is not in quotes.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use worldstore::arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use worldstore::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use worldstore::arrow::error::ArrowError;

use super::BATCH_ROWS;

/// Rows of one batch hold no more bytes than this by much.
const BATCH_BYTES: usize = 64 << 20;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The rows of a file with a header, batch by batch.
pub struct Texts<Source> {
    records: Records<Source>,
    schema: SchemaRef,
    is_over: bool,
}

impl<Source: Read> Texts<Source> {
    /// Reads the header: a column of texts for each of its names, and none where there is no line.
    pub fn new(source: Source) -> Result<Self, ArrowError> {
        let mut records = Records::new(source)?;
        let mut fields = Vec::new();
        while records.next()? {
            if !records.is_blank() {
                let names = (0..records.ends.len()).map(|index| records.text(index));
                let names = names.map(|name| Ok(Field::new(name?, DataType::Utf8, true)));
                fields = names.collect::<Result<_, ArrowError>>()?;
                break;
            }
        }
        Ok(Self { records, schema: Arc::new(Schema::new(fields)), is_over: false })
    }

    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let width = self.schema.fields().len();
        let mut columns: Vec<StringBuilder> = (0..width).map(|_| StringBuilder::new()).collect();
        let (mut rows, mut bytes) = (0, 0);
        while rows < BATCH_ROWS && bytes < BATCH_BYTES && self.records.next()? {
            // Of one column alone, a line with nothing in it is a row.
            if self.records.is_blank() && width != 1 {
                continue;
            }
            let got = self.records.ends.len();
            if got != width {
                let line = self.records.line;
                let text = format!("incorrect number of fields before line {line}, expected {width} got {got}");
                return Err(ArrowError::CsvError(text));
            }
            for (index, column) in columns.iter_mut().enumerate() {
                match self.records.text(index)? {
                    "" if !self.records.is_quoted[index] => column.append_null(),
                    text => column.append_value(text),
                }
            }
            (rows, bytes) = (rows + 1, bytes + self.records.bytes.len());
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        RecordBatch::try_new(self.schema(), columns).map(Some)
    }
}

impl<Source: Read> Iterator for Texts<Source> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let batch = self.batch().transpose();
        self.is_over = !matches!(batch, Some(Ok(_)));
        batch
    }
}

/// The lines of a file, one after the other, as RFC 4180 has them. A `\r` alone ends one too.
struct Records<Source> {
    source: BufReader<Source>,
    /// The values of the present line without their quotes, one after the other.
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    is_quoted: Vec<bool>,
    /// The line that comes next, counted from 1.
    line: u64,
    /// The last line ended in `\r`, and a `\n` belongs to it.
    is_after_return: bool,
}

/// Where in a value a byte is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Plain,
    Quoted,
    /// Behind a quote that ends the value, or is the first of two that stand for one.
    Closed,
}

impl<Source: Read> Records<Source> {
    fn new(source: Source) -> io::Result<Self> {
        let mut source = BufReader::new(source);
        if source.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            source.consume(BYTE_ORDER_MARK.len());
        }
        let (bytes, ends, is_quoted) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { source, bytes, ends, is_quoted, line: 1, is_after_return: false })
    }

    /// Reads a line; false at the end of the file.
    fn next(&mut self) -> Result<bool, ArrowError> {
        self.bytes.clear();
        self.ends.clear();
        self.is_quoted.clear();
        let (mut place, mut has_quote, mut is_begun) = (Place::Start, false, false);
        loop {
            let chunk = self.source.fill_buf()?;
            let Some(byte) = chunk.first().copied() else {
                if place == Place::Quoted {
                    return Err(ArrowError::CsvError("a text in quotes has no end".to_owned()));
                }
                if is_begun {
                    self.end(has_quote);
                }
                return Ok(is_begun);
            };
            self.source.consume(1);
            self.line += u64::from(byte == b'\n');
            if std::mem::take(&mut self.is_after_return) && byte == b'\n' && !is_begun {
                continue;
            }
            is_begun = true;
            match (place, byte) {
                (Place::Start, b'"') => (place, has_quote) = (Place::Quoted, true),
                (Place::Quoted, b'"') => place = Place::Closed,
                (Place::Quoted, _) => self.bytes.push(byte),
                (Place::Closed, b'"') => {
                    self.bytes.push(byte);
                    place = Place::Quoted;
                }
                (_, b',') => {
                    self.end(std::mem::take(&mut has_quote));
                    place = Place::Start;
                }
                (_, b'\n' | b'\r') => {
                    self.end(has_quote);
                    self.is_after_return = byte == b'\r';
                    return Ok(true);
                }
                _ => {
                    self.bytes.push(byte);
                    place = Place::Plain;
                }
            }
        }
    }

    fn end(&mut self, is_quoted: bool) {
        self.ends.push(self.bytes.len());
        self.is_quoted.push(is_quoted);
    }

    /// True if there is nothing in the line.
    fn is_blank(&self) -> bool {
        self.ends == [0] && self.is_quoted == [false]
    }

    fn text(&self, index: usize) -> Result<&str, ArrowError> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        std::str::from_utf8(&self.bytes[start..self.ends[index]])
            .map_err(|_| ArrowError::CsvError(format!("a value before line {} is not UTF-8", self.line)))
    }
}
