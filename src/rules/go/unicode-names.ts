/**
 * Names that Go's `\p{…}` knows, in lower case and without separators (Go 1.26, unicode/tables.go: Categories,
 * CategoryAliases, Scripts; regexp/syntax/parse.go: unicodeTable).
 */
const CATEGORIES =
  "any assigned ascii c cc cf cn co cs l lc ll lm lo lt lu m mc me mn n nd nl no p pc pd pe pf pi po ps s sc sk sm so z zl zp zs";
const CATEGORY_ALIASES =
  "casedletter closepunctuation cntrl combiningmark connectorpunctuation control currencysymbol dashpunctuation " +
  "decimalnumber digit enclosingmark finalpunctuation format initialpunctuation letter letternumber lineseparator " +
  "lowercaseletter mark mathsymbol modifierletter modifiersymbol nonspacingmark number openpunctuation other " +
  "otherletter othernumber otherpunctuation othersymbol paragraphseparator privateuse punct punctuation separator " +
  "spaceseparator spacingmark surrogate symbol titlecaseletter unassigned uppercaseletter";
// Scripts whose names have several words (Old_Persian) are left out: Go drops the separator before it looks a
// name up, and keeps it in its table, so they are never found (tried with Go 1.26.8).
const SCRIPTS =
  "adlam ahom arabic armenian avestan balinese bamum batak bengali bhaiksuki bopomofo brahmi braille buginese buhid " +
  "carian chakma cham cherokee chorasmian common coptic cuneiform cypriot cyrillic deseret devanagari dogra duployan " +
  "elbasan elymaic ethiopic georgian glagolitic gothic grantha greek gujarati gurmukhi han hangul hanunoo hatran " +
  "hebrew hiragana inherited javanese kaithi kannada katakana kawi kharoshthi khmer khojki khudawadi lao latin lepcha " +
  "limbu lisu lycian lydian mahajani makasar malayalam mandaic manichaean marchen medefaidrin miao modi mongolian mro " +
  "multani myanmar nabataean nandinagari newa nko nushu ogham oriya osage osmanya palmyrene phoenician rejang runic " +
  "samaritan saurashtra sharada shavian siddham sinhala sogdian soyombo sundanese syriac tagalog tagbanwa takri tamil " +
  "tangsa tangut telugu thaana thai tibetan tifinagh tirhuta toto ugaritic vai vithkuqi wancho yezidi yi";

const NAMES = new Set(`${CATEGORIES} ${CATEGORY_ALIASES} ${SCRIPTS}`.split(" "));

/** Whether Go knows a Unicode class by this name; case, spaces, hyphens and underscores do not count. */
export function isUnicodeClass(name: string): boolean {
  // Only ASCII letters have their case folded: toLowerCase would make a k of the Kelvin sign.
  return NAMES.has(name.replace(/[-_ ]/g, "").replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
}
