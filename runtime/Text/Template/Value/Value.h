// What a template computes with: the Python values that Jinja shows to templates. Values do not change once they are
// made (Jinja's sandbox forbids it to templates as well); only a namespace's attributes do.
#pragma once

#include "runtime/Text/Template/Budget.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quipu::jinja {

enum class Kind : uint8_t {
  Undefined, // a name or attribute that is not there: false, and prints nothing
  None,
  Boolean,
  Integer,
  Float,
  String,
  List,
  Tuple,
  Range,     // of range(): a list that JSON refuses
  View,      // of dict.items(), keys(), values(): has a length, and no subscripts
  Generator, // of filters such as map: neither
  Dict,
  Namespace,
  Callable,
  Loop, // the variable `loop`
};

struct Object {
  virtual ~Object() = default;
};

class Value;
struct Arguments;
using Items = std::vector<Value>;

struct TextObject : Object {
  explicit TextObject(std::string given);
  std::string text; // UTF-8; of an undefined value: what is missing
  bool ascii;       // then a character is a byte
};

struct SequenceObject;
struct DictObject;
struct NamespaceObject;
struct CallableObject;
struct LoopObject;

class Value {
public:
  Value() = default; // undefined
  static Value none();
  static Value boolean(bool value);
  static Value integer(int64_t value);
  static Value number(double value);
  static Value string(std::string text);
  static Value markup(std::string text); // a string whose sum with another one escapes that for HTML
  static Value undefined(std::string what);
  static Value sequence(Kind kind, std::shared_ptr<SequenceObject> items);
  static Value dict(std::shared_ptr<DictObject> entries);
  static Value callable(std::string name, std::function<Value(Arguments &, Budget &)> call);
  static Value of(std::shared_ptr<NamespaceObject> object);
  static Value of(std::shared_ptr<LoopObject> object);

  Kind kind() const { return type; }
  bool is(Kind other) const { return type == other; }
  bool isNumber() const { return type == Kind::Boolean || type == Kind::Integer || type == Kind::Float; }
  bool isIntegral() const { return type == Kind::Boolean || type == Kind::Integer; }
  bool isSequence() const { return type >= Kind::List && type <= Kind::Generator; }
  bool isMarkup() const { return safe; }

  // Each of the next asks for a value of its kind.
  int64_t asInteger() const { return whole; }                                    // Boolean, Integer
  double asNumber() const { return type == Kind::Float ? real : double(whole); } // Boolean, Integer, Float
  const std::string &asString() const { return text().text; }
  const TextObject &text() const { return static_cast<const TextObject &>(*object); }
  const Items &items() const; // of any sequence
  const SequenceObject &asSequence() const;
  const DictObject &asDict() const;
  NamespaceObject &asNamespace() const;
  const CallableObject &asCallable() const;
  LoopObject &asLoop() const;
  std::string_view missing() const; // of an undefined value: "'x' is undefined"
  const Object *identity() const { return object.get(); }

private:
  Value(Kind kind, std::shared_ptr<Object> object) : type(kind), object(std::move(object)) {}

  Kind type = Kind::Undefined;
  bool safe = false;
  union {
    int64_t whole = 0;
    double real;
  };
  std::shared_ptr<Object> object;
};

struct SequenceObject : Object {
  Items items;
  std::string label; // how Python prints a range or names a view: "range(0, 3)", "dict_items"
  unsigned depth = 0;
};

// Keeps the order in which keys came. Keys are strings, numbers, None, or tuples of them.
struct DictObject : Object {
  std::vector<std::pair<Value, Value>> entries;
  std::unordered_map<std::string, size_t> places; // by hashKey()
  unsigned depth = 0;

  void set(const Value &key, Value value, Budget &budget); // in the place of an equal key, or at the end
  const Value *find(const Value &key, Budget &budget) const;
  const Value *find(std::string_view key) const;
};

struct NamespaceObject : Object {
  std::vector<std::pair<std::string, Value>> attributes;

  void set(std::string_view name, Value value);
  const Value *find(std::string_view name) const;
};

struct CallableObject : Object {
  std::string name;
  std::function<Value(Arguments &, Budget &)> call;
};

struct LoopObject : Object {
  Items items;
  size_t index = 0;
  unsigned depth = 1;
  Value recurse; // callable where the loop is `recursive`
  Items changed; // what loop.changed() was given last
  bool everChanged = false;
};

bool truthOf(const Value &value);
std::string_view typeName(const Value &value); // Python's: "str", "dict"
// len(): nothing where Python has none.
bool hasLength(const Value &value);
size_t lengthOf(const Value &value); // an error where there is no length
// What `for` goes over: items, the keys of a dict, the characters of a string, nothing for an undefined value.
bool isIterable(const Value &value);
Items iterate(const Value &value, Budget &budget);
// Lists and dicts within a value; makes it an error to go too deep. Containers are made through these.
Value makeSequence(Kind kind, Items items, Budget &budget, std::string label = "");
Value makeDict(std::shared_ptr<DictObject> entries, Budget &budget);

// A string for each value that may be a key, the same for equal ones; an error for those that may not.
std::string hashKey(const Value &value, Budget &budget);

} // namespace quipu::jinja
