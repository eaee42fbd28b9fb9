"""Who mails come from, written as a header has it: https://www.rfc-editor.org/rfc/rfc5322#section-3.4"""

from __future__ import annotations

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr

from mountify.core.texts import has_control_characters


def is_sender(text: str) -> bool:
    """Whether it is an address, alone or as in "Shop <orders@shop.example>"."""
    try:
        return bool(_address_of(text).domain) and not has_control_characters(text)
    except (ValueError, IndexError, HeaderParseError):
        return False


def under_name(sender: str, name: str) -> str:
    """The same address under another name. Raises what is_sender() says no to."""
    return str(Address(name, addr_spec=_address_of(sender).addr_spec))


def _address_of(sender: str) -> Address:
    return Address(addr_spec=parseaddr(sender)[1])
