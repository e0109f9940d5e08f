// A web server and a database on a private network, which never run on the same hardware.
package main

import (
	"github.com/pulumi-joviam/pulumi-joviam/sdk/go/joviam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(program)
}

func program(ctx *pulumi.Context) error {
	cfg := config.New(ctx, "")
	debian := joviam.LookupTemplateOutput(ctx, joviam.LookupTemplateOutputArgs{Slug: pulumi.String("debian-9")}).Id()

	laptop, err := joviam.NewPublicKey(ctx, "laptop", &joviam.PublicKeyArgs{
		Key: pulumi.String(cfg.Require("publicKey")),
	})
	if err != nil {
		return err
	}
	office, err := joviam.NewNetwork(ctx, "office", &joviam.NetworkArgs{
		Specification: pulumi.String("192.168.10.0/24"),
		Gateway:       pulumi.String("192.168.10.1"),
	})
	if err != nil {
		return err
	}
	outside, err := joviam.NewIpAddress(ctx, "outside", nil)
	if err != nil {
		return err
	}
	inside, err := joviam.NewIpAddress(ctx, "inside", &joviam.IpAddressArgs{Network: office.ID()})
	if err != nil {
		return err
	}

	web, err := joviam.NewInstance(ctx, "web", &joviam.InstanceArgs{
		Memory:          pulumi.Int(1024),
		PerformanceTier: pulumi.String("Standard"),
		BootDisk: joviam.BootDiskArgs{
			Template:        debian,
			Size:            pulumi.Int(number(cfg, "webDisk", 10)),
			PerformanceTier: pulumi.String("Standard"),
		},
		IpAddresses: pulumi.StringArray{outside.ID(), inside.ID()},
		PublicKeys:  pulumi.StringArray{laptop.ID()},
	})
	if err != nil {
		return err
	}

	data, err := joviam.NewDisk(ctx, "data", &joviam.DiskArgs{
		Template:        debian,
		Size:            pulumi.Int(number(cfg, "dataDisk", 20)),
		PerformanceTier: pulumi.String("Fast"),
		AllowStopping:   pulumi.Bool(true),
	})
	if err != nil {
		return err
	}
	db, err := joviam.NewInstance(ctx, "db", &joviam.InstanceArgs{
		Memory:          pulumi.Int(2048),
		PerformanceTier: pulumi.String("Standard"),
		PowerState:      joviam.InstancePowerStateRunning,
		Disks:           pulumi.StringArray{data.ID()},
	})
	if err != nil {
		return err
	}

	_, err = joviam.NewAvailabilityGroup(ctx, "apart", &joviam.AvailabilityGroupArgs{
		Instances: pulumi.StringArray{web.ID(), db.ID()},
	})
	if err != nil {
		return err
	}

	ctx.Export("webAddress", web.PublicIp)
	ctx.Export("dbAddress", db.PublicIp)
	return nil
}

// number returns a setting of the stack, or its default.
func number(cfg *config.Config, key string, otherwise int) int {
	if value, err := cfg.TryInt(key); err == nil {
		return value
	}
	return otherwise
}
