# SPDX-License-Identifier: Apache-2.0
"""A model of a lab's pool and services: what a series of changes has to come to.

It knows the admin API's rules from docs/admin-api.md alone, and nothing of guidewayd's own state.
"""

import dataclasses

from guideway_lab.plan import ECHO_PORT, PORT

_POOL = "/v1/pools/web/backends"
_MOST_SERVICES = 6
_FIRST_PORT = 7000


@dataclasses.dataclass(frozen=True)
class Request:
    """One change, as the admin socket takes it."""

    method: str
    path: str
    body: dict | None = None


class WantedState:
    """Backends by name, services by name; `sick`: whose health checks fail."""

    def __init__(self, plan, random):
        self._plan = plan
        self._random = random
        self.sick = set()
        self.backends = {name: self._new_backend(name) for name in plan.backend_names}
        self.services = {
            "web": self._service("web", "tcp", PORT),
            "echo": self._service("echo", "udp", ECHO_PORT),
        }

    def takes_new(self):
        """The backends that get new flows: the healthy ones, or all that could if none is healthy."""
        usable = {n for n, b in self.backends.items() if b["state"] == "enabled" and b["weight"]}
        return usable - self.sick or usable

    def change(self):
        """Makes a change up and notes what it comes to; returns the request for it."""
        kinds = (
            (5, self._set_weight),
            (5, self._set_state),
            (2, self._remove),
            (3, self._add),
            (1, self._add_service),
            (1, self._change_service),
            (1, self._remove_service),
        )
        weights, makers = zip(*kinds, strict=True)
        request = None
        while not request:  # None: there is nothing to remove, say
            request = self._random.choices(makers, weights)[0]()
        return request

    def revive(self):
        """Makes a backend able to take new flows; returns the request for it."""
        name = self._pick(self.backends)
        body = {"state": "enabled", "weight": 100}
        self.backends[name] |= body
        return Request("PATCH", f"{_POOL}/{name}", body)

    def _pick(self, names):
        return self._random.choice(sorted(names)) if names else None

    def _set_weight(self):
        name = self._pick(self.backends)
        weight = self._random.choice((0, 50, 100, 100, 200, 1000))
        self.backends[name]["weight"] = weight
        return Request("PATCH", f"{_POOL}/{name}", {"weight": weight})

    def _set_state(self):
        name = self._pick(self.backends)
        action = self._random.choice(("drain", "enable", "enable", "disable"))
        state = {"drain": "drain", "enable": "enabled", "disable": "disabled"}[action]
        self.backends[name]["state"] = state
        return Request("POST", f"{_POOL}/{name}/{action}")

    def _remove(self):
        if len(self.backends) < 3:
            return None
        name = self._pick(self.backends)
        del self.backends[name]
        return Request("DELETE", f"{_POOL}/{name}")

    def _add(self):
        name = self._pick(set(self._plan.backend_names) - set(self.backends))
        if not name:
            return None
        self.backends[name] = self._new_backend(name)
        body = {key: value for key, value in self.backends[name].items() if key != "name"}
        return Request("PUT", f"{_POOL}/{name}", body)

    def _add_service(self):
        names = {f"extra{i}": _FIRST_PORT + i for i in range(_MOST_SERVICES)}
        name = self._pick(set(names) - set(self.services))
        if not name:
            return None
        protocol = self._random.choice(("tcp", "udp", "tcp_udp"))
        self.services[name] = self._service(name, protocol, names[name])
        body = {key: value for key, value in self.services[name].items() if key != "name"}
        return Request("PUT", f"/v1/services/{name}", body)

    def _change_service(self):
        name = self._pick(self.services)
        timeout = f"{self._random.randint(100, 999)}s"
        self.services[name]["idle_timeout"] = timeout
        return Request("PATCH", f"/v1/services/{name}", {"idle_timeout": timeout})

    def _remove_service(self):
        name = self._pick(set(self.services) - {"web", "echo"})
        if not name:
            return None
        del self.services[name]
        return Request("DELETE", f"/v1/services/{name}")

    def _new_backend(self, name):
        address = self._plan.backend_address(name)
        return {"name": name, "address": address, "weight": 100, "state": "enabled"}

    def _service(self, name, protocol, port):
        return {
            "name": name,
            "address": self._plan.vip,
            "protocol": protocol,
            "port": port,
            "pool": "web",
        }
