/** A web server and a database on a private network, which never run on the same hardware. */

import * as pulumi from "@pulumi/pulumi";
import * as joviam from "pulumi-joviam";

const config = new pulumi.Config();
const debian = joviam.getTemplateOutput({ slug: "debian-9" });

const laptop = new joviam.PublicKey("laptop", { key: config.require("publicKey") });
const office = new joviam.Network("office", { specification: "192.168.10.0/24", gateway: "192.168.10.1" });
const outside = new joviam.IpAddress("outside");
const inside = new joviam.IpAddress("inside", { network: office.id });

const web = new joviam.Instance("web", {
    memory: 1024,
    performanceTier: "Standard",
    bootDisk: { template: debian.id, size: config.getNumber("webDisk") ?? 10, performanceTier: "Standard" },
    ipAddresses: [outside.id, inside.id],
    publicKeys: [laptop.id],
});

const data = new joviam.Disk("data", {
    template: debian.id,
    size: config.getNumber("dataDisk") ?? 20,
    performanceTier: "Fast",
    allowStopping: true,
});
const db = new joviam.Instance("db", {
    memory: 2048,
    performanceTier: "Standard",
    powerState: joviam.types.enums.InstancePowerState.Running,
    disks: [data.id],
});

new joviam.AvailabilityGroup("apart", { instances: [web.id, db.id] });

export const webAddress = web.publicIp;
export const dbAddress = db.publicIp;
