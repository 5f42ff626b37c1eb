"""client.proto, compiled by protoc, and the codec in C++ read and write the same bytes.

Messages made by Python's protobuf from the .proto file are read by the C++ codec (wire_echo),
which must see the same fields and write the same bytes; bytes that are damaged or mixed with
unknown fields must be understood, or refused, alike.
"""
import argparse
import importlib
import pathlib
import random
import subprocess
import sys

MESSAGES = 4000
BYTES_FIELDS = {"path", "value", "err_detail", "after"}


def random_text(rng):
    alphabet = rng.choice(["/abc-.09", "/*?", "äß€😀", "\x00\x7f "])
    return "".join(rng.choice(alphabet) for _ in range(rng.choice([0, 1, 5, 40, 200])))


def random_number(rng, bits):
    n = rng.choice([0, 1, -1, -2, 127, 128, 2 ** (bits - 1) - 1, -(2 ** (bits - 1)),
                    rng.getrandbits(bits - 1), -rng.getrandbits(bits - 1)])
    return max(-(2 ** (bits - 1)), n)


def random_value(rng, field):
    kind = field.type
    if kind == field.TYPE_INT32:
        return random_number(rng, 32)
    if kind == field.TYPE_INT64:
        return random_number(rng, 64)
    if kind == field.TYPE_BOOL:
        return rng.random() < 0.5
    if kind == field.TYPE_STRING:
        return random_text(rng)
    if kind == field.TYPE_BYTES:
        return rng.randbytes(rng.choice([0, 1, 16, 127, 128, 3000]))
    if kind == field.TYPE_ENUM:
        return rng.choice(field.enum_type.values).number
    raise AssertionError(f"client.proto has a field of a kind not expected here: {field.name}")


def random_message(rng, cls):
    message = cls()
    for field in cls.DESCRIPTOR.fields:
        if field.label == field.LABEL_REPEATED:
            part = type(getattr(message, field.name).add())
            message.ClearField(field.name)
            for _ in range(rng.choice([0, 0, 1, 2, 5])):
                getattr(message, field.name).append(random_message(rng, part))
        elif field.name != "other_tag" and rng.random() < 0.6:
            setattr(message, field.name, random_value(rng, field))
    return message


def random_unknown_field(rng):
    number = rng.choice([3, 10, 16, 99, 102, 500, 19000, 2 ** 29 - 1])
    kind = rng.choice([0, 1, 2, 5])
    payload = {0: varint(rng.getrandbits(63)), 1: rng.randbytes(8), 2: varint(3) + b"abc",
               5: rng.randbytes(4)}[kind]
    return varint(number << 3 | kind) + payload


def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def fields_of(message):
    """What wire_echo prints of a message."""
    words = []
    for field in message.DESCRIPTOR.fields:
        if field.label == field.LABEL_REPEATED:
            words += [f"{field.name}={{ {fields_of(part)}}} " for part in getattr(message, field.name)]
            continue
        if field.name == "other_tag" or not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        if field.name in BYTES_FIELDS:
            value = (value.encode() if isinstance(value, str) else value).hex()
        words.append(f"{field.name}={value} ")
    return "".join(words)


def copy_known(known, message):
    for field in message.DESCRIPTOR.fields:
        if field.label == field.LABEL_REPEATED:
            for part in getattr(message, field.name):
                copy_known(getattr(known, field.name).add(), part)
        elif field.name != "other_tag" and message.HasField(field.name):
            setattr(known, field.name, getattr(message, field.name))
            if getattr(known, field.name) is False:  # as good as not sent, and is not
                known.ClearField(field.name)


def answer_expected(cls, body):
    message = cls()
    message.ParseFromString(body)
    known = cls()
    copy_known(known, message)
    return f"{fields_of(known)}| {known.SerializeToString().hex()}".rstrip()


def compare(name, cls, bodies, answers):
    for body, answer in zip(bodies, answers):
        try:
            expected = answer_expected(cls, body)
        except Exception:  # protobuf's DecodeError, and UnicodeDecodeError, which the codec allows
            expected = None
        if expected is None and answer == "refused" or answer == expected:
            continue
        sys.exit(f"{name} {body.hex()}\n  protobuf: {expected or 'refused'}\n  codec:    {answer}")


def main():
    parser = argparse.ArgumentParser()
    for option in ("--protoc", "--proto", "--echo", "--scratch"):
        parser.add_argument(option, required=True)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print(f"seed {options.seed} (repeat with --seed {options.seed})")
    rng = random.Random(options.seed)

    proto = pathlib.Path(options.proto)
    subprocess.run([options.protoc, f"--proto_path={proto.parent}",
                    f"--python_out={options.scratch}", proto.name], check=True)
    sys.path.insert(0, options.scratch)
    client_pb2 = importlib.import_module("client_pb2")

    for name, cls in (("request", client_pb2.Request), ("response", client_pb2.Response)):
        bodies = []
        for _ in range(MESSAGES):
            body = random_message(rng, cls).SerializeToString()
            shape = rng.random()
            if shape < 0.2:
                body = random_unknown_field(rng) + body + random_unknown_field(rng)
            elif shape < 0.3:
                body += random_message(rng, cls).SerializeToString()
            elif shape < 0.4:
                body = body[:rng.randint(0, len(body))]
            bodies.append(body)
        lines = "".join(f"{name} {body.hex()}\n" for body in bodies)
        answers = subprocess.run([options.echo], input=lines, capture_output=True, text=True,
                                 check=True).stdout.splitlines()
        assert len(answers) == len(bodies)
        compare(name, cls, bodies, [a.rstrip() for a in answers])
        print(f"{len(bodies)} {name}s: equal")


if __name__ == "__main__":
    main()
